/* Making Values. */

/* Value.__init__ with its arguments in order, NULL where left out; `named`, if not NULL, is a dict of those with other names.
 * `again`: something may have been made from the node already. */
static int initialize(Value *v, PyObject *const *got, PyObject *named, int again) {
    int tracked_late = again && !(v->flags & BORN_TRACKED);
    double data;
    if (IS_VALUE(got[0])) {
        PyObject *stands = PyObject_CallFunctionObjArgs(stand_for, (PyObject *)v, got[0], got[3] ? got[3] : s_empty, NULL);
        Py_XDECREF(stands);
        return stands ? 0 : -1;
    }
    if (to_number(got[0], &data) < 0) return -1;
    int has_children = got[1] ? PyObject_IsTrue(got[1]) : 0, has_op = has_children >= 0 && got[2] ? PyObject_IsTrue(got[2]) : 0;
    int has_label = has_op >= 0 && got[3] ? PyObject_IsTrue(got[3]) : 0;
    if (has_children < 0 || has_op < 0 || has_label < 0) return -1;
    if (has_label && !PyUnicode_Check(got[3])) {
        Py_XDECREF(PyObject_CallOneArg(refuse_label, got[3]));
        return -1;
    }
    Extra *x = NULL;
    if (has_children || has_op || named) {
        if (LIKELY(!named && (!got[2] || PyUnicode_Check(got[2]))))
            x = by_hand_extra(got[1], got[2]);
        else {
            PyObject *none_named = named ? Py_NewRef(named) : PyDict_New();
            if (none_named) x = sorted_extra(got[1], got[2], none_named);
            Py_XDECREF(none_named);
        }
        if (!x && PyErr_Occurred()) return -1;
    }
    if (become(v, x ? BY_HAND : LEAF, x) < 0) {
        if (x) discard(x);
        return -1;
    }
    if (UNLIKELY(again)) last_assignment = ++epoch;
    v->data = data;
    v->grad = 0.0;
    v->flags &= ~(CONSTANT | WHOLE | SUSPECT | SET);
    if (UNLIKELY(PyIndex_Check(got[0]) && fabs(data) <= 9007199254740992.0)) v->flags |= WHOLE;
    v->epoch = epoch;
    if (x && tracked_late) track_late(v); /* what was made from it is not known to the collector, and may be among the children */
    else if (x && !x->function) track_new(v); /* its `_backward` is about to come */
    else if (x && x->tracked) track_new(v);
    else if (!x) mark_leaf(v);
    if (has_label && set_label((PyObject *)v, got[3], "label") < 0) return -1;
    if (LIKELY(!x || !again)) return 0;
    PyObject *answer = PyObject_CallOneArg(caution_of_cycle, (PyObject *)v);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

/* Sort arguments into place; 0 if they do not fit. */
static int bind(PyObject **got, PyObject *const *arguments, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"data", "_children", "_op", "label"};
    Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    if (n > 4) return 0;
    for (Py_ssize_t i = 0; i < n; i++) got[i] = arguments[i];
    for (Py_ssize_t k = 0; k < named; k++) {
        int i = 0;
        while (i < 4 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, k), names[i])) i++;
        if (i == 4 || got[i]) return 0;
        got[i] = arguments[n + k];
    }
    return got[0] != NULL;
}

static PyObject *value_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    int any = PyTuple_GET_SIZE(arguments) > 0 || (keywords && PyDict_GET_SIZE(keywords) > 0);
    if (UNLIKELY(any && type->tp_new != value_new)) return PyBaseObject_Type.tp_new(type, arguments, keywords); /* refuses them */
    if (UNLIKELY(type->tp_flags & Py_TPFLAGS_IS_ABSTRACT)) { /* object's own words again */
        PyObject *none = PyTuple_New(0), *refused = none ? PyBaseObject_Type.tp_new(type, none, NULL) : NULL;
        Py_XDECREF(none);
        return refused;
    }
    Value *v = new_node_of(type, 0.0);
    if (v) {
        v->epoch = UNINITIALIZED;
        track_new(v);
    }
    return (PyObject *)v;
}

static int value_init(PyObject *self, PyObject *arguments, PyObject *keywords) {
    static const char *const names[] = {"data", "_children", "_op", "label"};
    PyObject *got[4] = {NULL, NULL, NULL, NULL}, *others = NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(arguments), named = 0;
    int fits = bind(got, PySequence_Fast_ITEMS(arguments), n < 5 ? n : 5, NULL) || n == 0;
    for (int i = 0; i < 4 && keywords; i++) {
        PyObject *value = PyDict_GetItemString(keywords, names[i]);
        if (!value) continue;
        fits &= !got[i];
        got[i] = value;
        named++;
    }
    if (!fits || !got[0]) {
        PyObject *method = PyObject_GetAttrString(reference, "__init__"), *all = PyTuple_New(n + 1);
        if (method && all) {
            PyTuple_SET_ITEM(all, 0, Py_NewRef(self));
            for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(all, i + 1, Py_NewRef(PyTuple_GET_ITEM(arguments, i)));
            Py_XDECREF(PyObject_Call(method, all, keywords));
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "wrong arguments for Value()");
        }
        Py_XDECREF(method);
        Py_XDECREF(all);
        return -1;
    }
    if (keywords && named != PyDict_GET_SIZE(keywords)) { /* names of other engines, or wrong ones */
        if (!(others = PyDict_Copy(keywords))) return -1;
        for (int i = 0; i < 4; i++)
            if (PyDict_GetItemString(others, names[i]) && PyDict_DelItemString(others, names[i]) < 0) {
                Py_DECREF(others);
                return -1;
            }
    }
    int failed = initialize((Value *)self, got, others, ((Value *)self)->epoch != UNINITIALIZED) < 0;
    Py_XDECREF(others);
    if (failed) return -1;
    if (on_made && ((Value *)self)->op != LEAF) {
        if (!show((Value *)Py_NewRef(self))) return -1;
        Py_DECREF(self);
    }
    return 0;
}

static PyObject *value_vectorcall(PyObject *type, PyObject *const *arguments, size_t flags, PyObject *keywords) {
    Py_ssize_t n = PyVectorcall_NARGS(flags);
    PyObject *got[4] = {NULL, NULL, NULL, NULL};
    if (UNLIKELY((PyTypeObject *)type != value_type || value_type->tp_init != value_init || value_type->tp_new != value_new ||
                 !bind(got, arguments, n, keywords))) {
        PyObject *tuple = PyTuple_New(n), *dict = keywords ? PyDict_New() : NULL, *made = NULL;
        if (tuple && (dict || !keywords)) {
            for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(tuple, i, Py_NewRef(arguments[i]));
            int failed = 0;
            for (Py_ssize_t k = 0; keywords && !failed && k < PyTuple_GET_SIZE(keywords); k++)
                failed = PyDict_SetItem(dict, PyTuple_GET_ITEM(keywords, k), arguments[n + k]) < 0;
            if (!failed) made = PyType_Type.tp_call(type, tuple, dict);
        }
        Py_XDECREF(tuple);
        Py_XDECREF(dict);
        return made;
    }
    Value *v = new_leaf(0.0);
    if (!v) return NULL;
    if (LIKELY(PyFloat_CheckExact(got[0]) && !got[1] && !got[2] && !got[3])) {
        v->data = PyFloat_AS_DOUBLE(got[0]);
        mark_leaf(v);
        return (PyObject *)v;
    }
    if (initialize(v, got, NULL, 0) < 0) {
        Py_DECREF(v);
        return NULL;
    }
    return v->op == LEAF ? (PyObject *)v : made(v);
}

static PyObject *value_bare(PyObject *type, PyObject *nothing UNUSED) {
    Value *v = new_node_of((PyTypeObject *)type, 0.0);
    if (v) mark_leaf(v);
    return (PyObject *)v;
}
