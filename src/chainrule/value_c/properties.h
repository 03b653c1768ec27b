/* What a node holds, as Python reads and sets it. */

/* The words of Python's own `property`. */
static int not_settable(PyObject *self, const char *name, const char *what) {
    PyObject *type_name = PyType_GetQualName(Py_TYPE(self));
    if (type_name) PyErr_Format(PyExc_AttributeError, "property '%s' of %R object has no %s", name, type_name, what);
    Py_XDECREF(type_name);
    return -1;
}

static int set_nothing(PyObject *self, PyObject *value, void *name) {
    return not_settable(self, name, value ? "setter" : "deleter");
}

static PyObject *get_bare_data(PyObject *self, void *closure UNUSED) { return PyFloat_FromDouble(((Value *)self)->data); }
static PyObject *get_grad(PyObject *self, void *closure UNUSED) {
    double grad = ((Value *)self)->grad;
    gradients_seen = 1;
    if (is_none(grad)) Py_RETURN_NONE;
    return PyFloat_FromDouble(UNLIKELY(sweeping > 0) ? grad + 0.0 : grad); /* nothing is 0 to Python */
}
static PyObject *get_data(PyObject *self, void *closure) {
    if (REFUSED(self, "data")) return NULL;
    PyObject *number = get_bare_data(self, closure);
    if (LIKELY(!(((Value *)self)->flags & WHOLE)) || !number) return number;
    PyObject *whole = PyObject_CallOneArg(whole_class, number);
    Py_DECREF(number);
    return whole;
}

static int set_data(PyObject *self, PyObject *value, void *name) {
    if (!value) return not_settable(self, name, "deleter");
    if (REFUSED(self, "data=")) return -1;
    Value *v = (Value *)self;
    double data;
    if (to_number(value, &data) < 0) return -1;
    assign(v, data);
    v->flags &= ~WHOLE;
    if (UNLIKELY(Py_IS_TYPE(value, (PyTypeObject *)whole_class))) v->flags |= WHOLE;
    return 0;
}
static int set_grad(PyObject *self, PyObject *value, void *name) {
    if (!value) return not_settable(self, name, "deleter");
    if (REFUSED(self, "grad=")) return -1;
    Value *v = (Value *)self;
    double grad = none();
    if (value != Py_None && to_number(value, &grad) < 0) return -1;
    v->grad = UNLIKELY(sweeping > 0) ? grad + 0.0 : grad; /* not what stands for nothing */
    gradients_seen = 1;
    written_in(v, ++epoch);
    return 0;
}

static PyObject *get_label(PyObject *self, void *closure UNUSED) {
    PyObject *attributes = Py_XNewRef(((Value *)self)->attributes); /* comparing keys may run code of the user's */
    PyObject *label = attributes ? Py_XNewRef(PyDict_GetItemWithError(attributes, s_label)) : NULL;
    Py_XDECREF(attributes);
    if (label) return label;
    return PyErr_Occurred() ? NULL : Py_NewRef(s_empty);
}

static int set_label(PyObject *self, PyObject *text, void *name) {
    if (!text) return not_settable(self, name, "deleter");
    if (!PyUnicode_Check(text)) {
        Py_XDECREF(PyObject_CallOneArg(refuse_label, text));
        return -1;
    }
    return PyObject_GenericSetAttr(self, s_label, text);
}

static PyObject *operands_of(Value *v, int numbers) {
    if (v->op == LEAF) return PyTuple_New(0);
    if (HAS_B(v)) return PyTuple_Pack(2, v->a, v->b);
    if (HAS_NUMBER(v) && numbers) {
        PyObject *exponent = PyFloat_FromDouble(v->number), *pair = exponent ? PyTuple_Pack(2, v->a, exponent) : NULL;
        Py_XDECREF(exponent);
        return pair;
    }
    if (HAS_A(v)) return PyTuple_Pack(1, v->a);
    Extra *x = v->extra;
    Py_ssize_t n = 0;
    for (Py_ssize_t i = 0; i < x->n; i++) n += numbers || IS_VALUE(x->operands[i]);
    PyObject *operands = PyTuple_New(n);
    if (operands) {
        n = 0;
        for (Py_ssize_t i = 0; i < x->n; i++)
            if (numbers || IS_VALUE(x->operands[i])) PyTuple_SET_ITEM(operands, n++, Py_NewRef(x->operands[i]));
    }
    return operands;
}

/* Making a tuple may start the cyclic collector, and so a finalizer that gives the node other operands: they are kept until we are done. */
static PyObject *kept_operands_of(PyObject *self, int numbers) {
    sweeping++;
    PyObject *operands = operands_of((Value *)self, numbers);
    end_of_sweep();
    return operands;
}

static PyObject *get_operands(PyObject *self, void *closure UNUSED) { return kept_operands_of(self, 1); }
static PyObject *get_prev(PyObject *self, void *closure UNUSED) { return kept_operands_of(self, 0); }

/* The row of the table that a node's operation is; borrowed. */
static PyObject *row_of(Value *v) {
    if (v->op == LEAF) return Py_None;
    return v->op >= ROW ? (v->extra->row ? v->extra->row : Py_None) : rows[v->op];
}

static PyObject *get_primitive(PyObject *self, void *closure UNUSED) { return Py_NewRef(row_of((Value *)self)); }

static PyObject *get_rule(PyObject *self, void *closure UNUSED) {
    return Py_NewRef(((Value *)self)->op == BY_HAND ? by_hand_rule : row_of((Value *)self));
}

static PyObject *get_function(PyObject *self, void *closure UNUSED) {
    Value *v = (Value *)self;
    return Py_NewRef(v->op == BY_HAND && v->extra->function ? v->extra->function : Py_None);
}

static PyObject *get_op(PyObject *self, void *closure UNUSED) {
    Value *v = (Value *)self;
    if (UNLIKELY(v->attributes != NULL)) { /* another name may have been assigned; comparing keys may run code of the user's */
        PyObject *attributes = Py_NewRef(v->attributes), *named = Py_XNewRef(PyDict_GetItemWithError(attributes, s_named));
        Py_DECREF(attributes);
        if (named || PyErr_Occurred()) return named;
    }
    if (v->op == LEAF) return Py_NewRef(s_empty);
    if (v->op == BY_HAND) return Py_NewRef(v->extra->name ? v->extra->name : s_empty);
    PyObject *row = row_of(v);
    if (!HAS_NUMBER(v) && v->op != ROW) return PyObject_GetAttr(row, s_shown);
    PyObject *parametric = PyObject_GetAttr(row, s_parametric);
    int is_parametric = parametric ? PyObject_IsTrue(parametric) : -1;
    Py_XDECREF(parametric);
    if (is_parametric < 0) return NULL;
    if (!is_parametric) return PyObject_GetAttr(row, s_shown);
    PyObject *operands = kept_operands_of(self, 1), *name = operands ? PyObject_CallFunctionObjArgs(operation_name_function, row, operands, NULL) : NULL;
    Py_XDECREF(operands);
    return name;
}
