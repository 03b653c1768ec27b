/* Copies of nodes. */

/* A node of the same operation, data, gradient and attributes, with other operands. */
static PyObject *value_copy_with(PyObject *self, PyObject *sequence) {
    Value *v = (Value *)self, *twin = NULL;
    Extra *x = NULL;
    PyObject *operands = PySequence_Tuple(sequence);
    if (!operands) return NULL;
    int op = v->op;
    Py_ssize_t n = PyTuple_GET_SIZE(operands), expected = v->op == LEAF ? 0 : HAS_EXTRA(v) ? v->extra->n : HAS_B(v) || HAS_NUMBER(v) ? 2 : 1;
    int fits = n == expected;
    for (Py_ssize_t i = 0; i < n && fits; i++)
        fits = IS_VALUE(PyTuple_GET_ITEM(operands, i)) || (i == 1 && (HAS_NUMBER(v) || v->op == ROW) && PyFloat_CheckExact(PyTuple_GET_ITEM(operands, i)));
    if (fits && HAS_NUMBER(v)) fits = PyFloat_CheckExact(PyTuple_GET_ITEM(operands, 1));
    if (!fits) {
        PyErr_SetString(PyExc_TypeError, "_copy() takes as many operands as the node has, of the same kinds");
        goto done;
    }
    if (HAS_EXTRA(v)) {
        if (!(x = new_extra(n))) goto done;
        for (; x->n < n; x->n++) x->operands[x->n] = Py_NewRef(PyTuple_GET_ITEM(operands, x->n));
        x->row = Py_XNewRef(v->extra->row);
        x->name = Py_XNewRef(v->extra->name);
        x->function = Py_XNewRef(v->extra->function);
        if (v->extra->seen) remember_operands(x);
        x->takes_node = v->extra->takes_node;
    }
    PyObject *attributes = v->attributes ? PyDict_Copy(v->attributes) : NULL;
    if ((v->attributes && !attributes) || !(twin = new_node_of(Py_TYPE(self), v->data)) || v->op != op) {
        if (twin) PyErr_SetString(PyExc_RuntimeError, "the node was given another operation while it was copied");
        Py_CLEAR(twin);
        Py_XDECREF(attributes);
        if (x) discard(x);
        goto done;
    }
    twin->grad = v->grad;
    twin->epoch = v->epoch;
    twin->flags |= v->flags & (SUSPECT | SET);
    twin->attributes = attributes;
    if (op == LEAF) {
        mark_leaf(twin);
        twin->flags |= v->flags & WHOLE;
    }
    int tracked = v->flags;
    if (x)
        twin->extra = x;
    else if (HAS_A(v)) {
        twin->a = (Value *)Py_NewRef(PyTuple_GET_ITEM(operands, 0));
        if (HAS_B(v)) twin->b = (Value *)Py_NewRef(PyTuple_GET_ITEM(operands, 1));
        else if (HAS_NUMBER(v)) twin->number = PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(operands, 1));
    }
    twin->op = v->op;
    for (Py_ssize_t i = 0; i < n; i++)
        if (IS_VALUE(PyTuple_GET_ITEM(operands, i))) tracked |= ((Value *)PyTuple_GET_ITEM(operands, i))->flags;
    if (tracked & TRACKED) track_new(twin);
done:
    Py_DECREF(operands);
    return (PyObject *)twin;
}

static PyObject *value_copy(PyObject *self, PyObject *nothing UNUSED) { return PyObject_CallOneArg(copy_function, self); }

static PyObject *value_deepcopy(PyObject *self, PyObject *memo) {
    PyObject *order = module_topological_order(NULL, self), *twin = NULL;
    if (order) twin = PyObject_CallFunctionObjArgs(deep_copy_function, order, memo, NULL);
    Py_XDECREF(order);
    return twin;
}

static PyObject *value_reduce(PyObject *self, PyObject *protocol UNUSED) { return PyObject_CallOneArg(reduce_function, self); }
