/* Attributes of the user's. */

static int can_close_a_cycle(PyObject *o) {
    if (!PyType_IS_GC(Py_TYPE(o))) return 0;
    if (!PyTuple_CheckExact(o)) return 1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); i++)
        if (PyType_IS_GC(Py_TYPE(PyTuple_GET_ITEM(o, i)))) return 1;
    return 0;
}

static int value_setattro(PyObject *self, PyObject *name, PyObject *value) {
    if (PyObject_GenericSetAttr(self, name, value) < 0) return -1;
    Value *v = (Value *)self;
    if (v->attributes && value && can_close_a_cycle(value)) {
        track_late(v);
        track_led_to(v, value);
    }
    return 0;
}

static PyObject *get_dict(PyObject *self, void *closure) {
    track_late((Value *)self); /* anything may be put into it from now on */
    return PyObject_GenericGetDict(self, closure);
}

static int set_dict(PyObject *self, PyObject *value, void *closure) {
    track_late((Value *)self);
    return PyObject_GenericSetDict(self, value, closure);
}

static PyObject *value_attributes(PyObject *self, PyObject *nothing UNUSED) {
    PyObject *attributes = Py_XNewRef(((Value *)self)->attributes), *copied = attributes ? PyDict_Copy(attributes) : PyDict_New();
    Py_XDECREF(attributes);
    return copied;
}
