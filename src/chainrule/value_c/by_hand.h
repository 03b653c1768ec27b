/* Operations made by hand: parents, a name, and a `_backward` that was assigned. */

static PyMethodDef push_definition = {"_backward", value_push, METH_NOARGS, NULL};

static PyObject *get_backward(PyObject *self, void *closure UNUSED) {
    Value *v = (Value *)self;
    if (v->op == BY_HAND && v->extra->function && !v->extra->takes_node) return Py_NewRef(v->extra->function);
    return PyCFunction_New(&push_definition, self);
}

/* Give a node another operation and operands; 0, or -1 with an exception and nothing changed. */
static int become(Value *v, int op, Extra *extra) {
    Extra *old = NULL;
    if (HAS_EXTRA(v))
        old = v->extra;
    else if (HAS_A(v)) {
        if (!(old = new_extra(2))) return -1;
        old->operands[old->n++] = (PyObject *)v->a;
        if (HAS_B(v)) old->operands[old->n++] = (PyObject *)v->b;
    }
    v->op = (unsigned char)op;
    v->extra = extra;
    if (op != LEAF) v->flags &= ~CONSTANT;
    else v->seen = 0;
    if (old) retire(old);
    return 0;
}

/* The Extra of an operation made by hand. */
static Extra *by_hand_extra(PyObject *children, PyObject *op) {
    PyObject *tuple = children ? PySequence_Tuple(children) : PyTuple_New(0);
    Extra *x = tuple ? new_extra(PyTuple_GET_SIZE(tuple)) : NULL;
    uint64_t noted = 0;
    for (; x && x->n < PyTuple_GET_SIZE(tuple); x->n++) {
        PyObject *child = PyTuple_GET_ITEM(tuple, x->n);
        if (UNLIKELY(!IS_EXACT(child)) && !IS_VALUE(child)) {
            Py_XDECREF(PyObject_CallOneArg(refuse_child, child));
            discard(x);
            x = NULL;
            break;
        }
        x->operands[x->n] = Py_NewRef(child);
        noted |= ((Value *)child)->mark.bits;
    }
    Py_XDECREF(tuple);
    if (x) {
        x->name = Py_NewRef(op ? op : s_empty);
        x->tracked = (noted & ANY_TRACKED) != 0;
    }
    return x;
}

/* The Extra of an operation made by hand whose arguments by_hand.py has to sort: local gradients, or names of other engines. NULL for a
 * leaf, or with an exception. */
static Extra *sorted_extra(PyObject *children, PyObject *op, PyObject *named) {
    PyObject *nothing = PyTuple_New(0), *sorted = NULL, *function;
    Extra *x = NULL;
    if (nothing) sorted = PyObject_CallFunctionObjArgs(arguments_function, children ? children : nothing, op ? op : s_empty, named, NULL);
    Py_XDECREF(nothing);
    if (!sorted) return NULL;
    children = PyTuple_GET_ITEM(sorted, 0);
    op = PyTuple_GET_ITEM(sorted, 1);
    function = PyTuple_GET_ITEM(sorted, 2);
    if ((PyTuple_GET_SIZE(children) || PyUnicode_GET_LENGTH(op)) && (x = by_hand_extra(children, op)) && function != Py_None) {
        x->function = Py_NewRef(function);
        x->takes_node = 1;
    }
    Py_DECREF(sorted);
    return x;
}

/* Whether a function's class says that it is to be called with the node. */
static int takes_node(PyObject *function) {
    PyObject *answer = PyObject_GetAttr((PyObject *)Py_TYPE(function), s_takes_node);
    if (!answer) PyErr_Clear();
    int yes = answer == Py_True;
    Py_XDECREF(answer);
    return yes;
}

static int set_op(PyObject *self, PyObject *text, void *name) {
    if (!text) return not_settable(self, name, "deleter");
    PyObject *answer = PyObject_CallFunctionObjArgs(set_name_function, self, text, NULL);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

static int set_prev(PyObject *self, PyObject *parents, void *name) {
    if (!parents) return not_settable(self, name, "deleter");
    if (REFUSED(self, "_prev=")) return -1;
    PyObject *answer = PyObject_CallFunctionObjArgs(set_parents_function, self, parents, NULL);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

/* Be an operation made by hand, with these parents, this name and this `_backward` or None; or a leaf, if there is none of them. */
static PyObject *value_become(PyObject *self, PyObject *const *arguments, Py_ssize_t n) {
    Value *v = (Value *)self;
    if (n != 3 || !PyTuple_CheckExact(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "_become() takes a tuple of parents, a name and a function or None");
        return NULL;
    }
    PyObject *function = arguments[2] == Py_None ? NULL : arguments[2];
    int named = PyObject_IsTrue(arguments[1]);
    Extra *x = NULL;
    if (named < 0) return NULL;
    if (PyTuple_GET_SIZE(arguments[0]) || named || function) {
        if (!(x = by_hand_extra(arguments[0], arguments[1]))) return NULL;
        x->function = Py_XNewRef(function);
        x->takes_node = function && takes_node(function);
    }
    if (become(v, x ? BY_HAND : LEAF, x) < 0) {
        if (x) discard(x);
        return NULL;
    }
    if (x) track_all(v); /* its parents may be younger than it is */
    Py_RETURN_NONE;
}

static int set_backward(PyObject *self, PyObject *function, void *name) {
    Value *v = (Value *)self;
    if (!function) return not_settable(self, name, "deleter");
    if (!PyCallable_Check(function)) {
        Py_XDECREF(PyObject_CallOneArg(refuse_backward, function));
        return -1;
    }
    int wants_node = takes_node(function);
    if (v->op == BY_HAND) {
        v->extra->takes_node = wants_node;
        if (!wants_node) remember_operands(v->extra);
        Py_XSETREF(v->extra->function, Py_NewRef(function));
        if (!wants_node) track_late(v);
        track_function(v, function);
        return 0;
    }
    PyObject *operands = kept_operands_of(self, 0), *op = operands ? get_op(self, NULL) : NULL;
    Extra *x = op ? new_extra(PyTuple_GET_SIZE(operands)) : NULL;
    if (x) {
        for (; x->n < PyTuple_GET_SIZE(operands); x->n++) x->operands[x->n] = Py_NewRef(PyTuple_GET_ITEM(operands, x->n));
        x->row = row_of(v) == Py_None ? NULL : Py_NewRef(row_of(v));
        x->name = Py_NewRef(op);
        x->function = Py_NewRef(function);
        x->takes_node = wants_node;
        if (!wants_node) remember_operands(x);
        if (become(v, BY_HAND, x) < 0) {
            discard(x);
            x = NULL;
        } else {
            track_late(v);
            track_function(v, function);
        }
    }
    Py_XDECREF(operands);
    Py_XDECREF(op);
    return x ? 0 : -1;
}
