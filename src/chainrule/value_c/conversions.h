/* A Value among numbers: `float(v)`, `bool(v)`, comparisons and `repr`. */

/* The places in the program at which taking a number means just that: see conversions.py, which is asked once about each. */
#define PLACES 256
static struct {
    PyCodeObject *code;
    int instruction;
} silent_places[PLACES];

/* Ask whether the calling place means the number; 0, or -1 with an exception. */
static int look_at_caller(void) {
    PyFrameObject *frame = PyEval_GetFrame();
    if (!frame) return 0;
    Py_INCREF(frame);
    PyCodeObject *code = PyFrame_GetCode(frame);
    int instruction = PyFrame_GetLasti(frame), result = 0;
    size_t place = (((uintptr_t)code >> 4) + (size_t)instruction * 31) % PLACES;
    if (silent_places[place].code != code || silent_places[place].instruction != instruction) {
        PyObject *answer = PyObject_CallOneArg(look_function, (PyObject *)frame);
        result = answer ? 0 : -1;
        if (answer == Py_True) {
            PyCodeObject *before = silent_places[place].code;
            silent_places[place].code = (PyCodeObject *)Py_NewRef((PyObject *)code);
            silent_places[place].instruction = instruction;
            Py_XDECREF(before);
        }
        Py_XDECREF(answer);
    }
    Py_DECREF(code);
    Py_DECREF(frame);
    return result;
}

static PyObject *value_float(PyObject *self) {
    if (REFUSED(self, "float")) return NULL;
    return !on_look && look_at_caller() < 0 ? NULL : get_bare_data(self, NULL); /* a guard that lets it pass has its own words for it */
}

static PyObject *value_int(PyObject *self) {
    return REFUSED(self, "int") ? NULL : PyLong_FromDouble(((Value *)self)->data);
}

static int value_bool(PyObject *self) { return REFUSED(self, "bool") ? -1 : 1; }

static PyObject *value_compare(PyObject *self, PyObject *other, int op) {
    if (op == Py_EQ || op == Py_NE) { /* identity, as for any object */
        if (op == Py_EQ && self == other) Py_RETURN_TRUE;
        if (op == Py_NE && self == other) Py_RETURN_FALSE;
        Py_RETURN_NOTIMPLEMENTED;
    }
    static const char *const signs[] = {[Py_LT] = "<", [Py_LE] = "<=", [Py_GT] = ">", [Py_GE] = ">="};
    if (REFUSED(self, signs[op])) return NULL;
    double left = ((Value *)self)->data, right;
    if (IS_VALUE(other))
        right = ((Value *)other)->data;
    else {
        int found = to_number_if_any(other, &right);
        if (found < 0) return NULL;
        if (!found) Py_RETURN_NOTIMPLEMENTED;
    }
    Py_RETURN_RICHCOMPARE(left, right, op);
}

static PyObject *value_repr(PyObject *self) {
    PyObject *name = PyType_GetName(Py_TYPE(self)), *data = get_bare_data(self, NULL), *grad = get_grad(self, NULL), *text = NULL;
    if (name && data && grad) text = PyUnicode_FromFormat("%U(data=%R, grad=%R)", name, data, grad);
    Py_XDECREF(name);
    Py_XDECREF(data);
    Py_XDECREF(grad);
    return text;
}
