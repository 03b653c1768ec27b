/* The steps of optimisers. */

static int read_floats(PyObject *const *objects, double *floats, int count) {
    for (int i = 0; i < count; i++) {
        if (!PyFloat_CheckExact(objects[i])) return 0;
        floats[i] = PyFloat_AS_DOUBLE(objects[i]);
    }
    return 1;
}

/* Whether nobody can see the difference between `p.data -= x` and a change of the number itself; then the gradients are settled too, on
 * the same way through the nodes, unless the mark is None. It is replaced by the next one: a new reference. `noted` is what the marks of
 * the nodes have in them, all together. */
static int are_plain(PyObject *params, PyObject **mark, uint64_t *noted) {
    if (GUARDED || !PyList_CheckExact(params)) return 0;
    uint64_t before = *mark == Py_None ? 0 : PyLong_AsUnsignedLongLong(*mark), bits = 0;
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    Value **nodes = (Value **)PySequence_Fast_ITEMS(params);
    const Py_ssize_t n = PyList_GET_SIZE(params);
    Py_ssize_t old = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!IS_EXACT(nodes[i])) return 0;
        const Mark node = nodes[i]->mark;
        bits |= node.bits;
        old += node.epoch <= before;
    }
    *noted = bits;
    if (*mark == Py_None) {
        Py_INCREF(Py_None);
        return 1;
    }
    PyObject *next = new_mark();
    if (!next) {
        PyErr_Clear();
        return 0;
    }
    *mark = next;
    gradients_seen = 1;
    if (UNLIKELY(old)) zero_left_out(nodes, n, before);
    return 1;
}

/* The same step by the loop in Python, which takes nodes of other classes, and all else that is not as expected here. */
static PyObject *step_by_reference(PyObject *function, PyObject *const *arguments, Py_ssize_t given, Py_ssize_t without_mark) {
    PyObject *mark = NULL;
    if (given == without_mark + 1) {
        given = without_mark;
        PyObject *settled[] = {arguments[0], arguments[given]};
        if (settled[1] != Py_None && !(mark = module_settle_gradients(NULL, settled, 2))) return NULL;
    }
    PyObject *result = PyObject_Vectorcall(function, arguments, (size_t)given, NULL);
    if (!result || !mark) {
        Py_XDECREF(mark);
        return result;
    }
    Py_DECREF(result);
    return mark;
}

/* A writable buffer of so many float64, or of at least one that nobody looks at where there are none. */
static int get_buffer(PyObject *o, Py_buffer *view, Py_ssize_t n) {
    if (!get_numbers(o, view, 1)) return 0;
    if (view->len == n * (Py_ssize_t)sizeof(double)) return 1;
    PyBuffer_Release(view);
    return 0;
}

static void note_all_computed(Value **params, Py_ssize_t n) {
    for (Py_ssize_t i = 0; i < n; i++)
        if (!is_none(params[i]->grad)) note_computed(params[i]);
}

/* The options of a step, in the order in which the rules of rows.h take them; what is true is 1. */
typedef struct {
    double lr, momentum, kept, new, weight_decay, nesterov, maximize, first;
} SGD;

typedef struct {
    double rate, correction, beta1, beta2, eps, l2, decay_factor, maximize, amsgrad;
} Adam;

/* A parameter without a gradient is left out, as in PyTorch. */
static INLINE void sgd_each(Value **params, Py_ssize_t n, double *m, const SGD o) {
    for (Py_ssize_t i = 0; i < n; i++) {
        Value *p = params[i];
        if (is_none(p->grad)) continue;
        update_sgd(&p->data, p->grad, m ? m + i : NULL, o.lr, o.momentum, o.kept, o.new, o.weight_decay, o.nesterov, o.maximize, o.first);
    }
}

static INLINE void adam_each(Value **params, Py_ssize_t n, double *m, double *v, double *largest, const Adam o) {
    for (Py_ssize_t i = 0; i < n; i++) {
        Value *p = params[i];
        if (is_none(p->grad)) continue;
        update_adam(&p->data, p->grad, m + i, v + i, largest ? largest + i : NULL, o.rate, o.correction, o.beta1, o.beta2, o.eps, o.l2, o.decay_factor, o.maximize,
                    o.amsgrad);
    }
}

/* The same, with code of its own for the options that most programs have. */
static void sgd_all(Value **params, Py_ssize_t n, double *m, const SGD o) {
    const int plain = o.weight_decay == 0.0 && o.maximize == 0.0;
    if (plain && o.momentum == 0.0) sgd_each(params, n, m, (SGD){.lr = o.lr});
    else if (plain && o.nesterov == 0.0 && o.first == 0.0)
        sgd_each(params, n, m, (SGD){.lr = o.lr, .momentum = o.momentum, .kept = o.kept, .new = o.new});
    else sgd_each(params, n, m, o);
}

static void adam_all(Value **params, Py_ssize_t n, double *m, double *v, double *largest, const Adam o) {
    if (o.l2 == 0.0 && o.decay_factor == 1.0 && o.maximize == 0.0 && o.amsgrad == 0.0)
        adam_each(params, n, m, v, largest,
                  (Adam){.rate = o.rate, .correction = o.correction, .beta1 = o.beta1, .beta2 = o.beta2, .eps = o.eps, .decay_factor = 1.0});
    else adam_each(params, n, m, v, largest, o);
}

static PyObject *module_sgd_step(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {
    double options[4];
    Py_buffer view = {.buf = NULL};
    PyObject *mark = given == 10 ? arguments[9] : Py_None;
    uint64_t noted;
    if (given < 9 || given > 10 || !read_floats(arguments + 2, options, 4) || !PyBool_Check(arguments[6]) || !PyBool_Check(arguments[7]) ||
        !PyBool_Check(arguments[8]) || !PyList_CheckExact(arguments[0]))
        goto other;
    const double momentum = options[1];
    const SGD o = {options[0], momentum, momentum, 1.0 - options[2], options[3], arguments[6] == Py_True, arguments[7] == Py_True, arguments[8] == Py_True};
    const Py_ssize_t n = PyList_GET_SIZE(arguments[0]);
    if (momentum != 0.0 && !get_buffer(arguments[1], &view, n)) goto other;
    if (PyList_GET_SIZE(arguments[0]) != n || !are_plain(arguments[0], &mark, &noted)) goto other;
    Value **params = (Value **)PySequence_Fast_ITEMS(arguments[0]);
    last_assignment = ++epoch;
    sgd_all(params, n, view.buf, o);
    if (UNLIKELY(noted & COMPUTED_MATTERS)) note_all_computed(params, n);
    PyBuffer_Release(&view);
    return mark;
other:
    PyBuffer_Release(&view);
    return step_by_reference(reference_sgd_step, arguments, given, 9);
}

static PyObject *module_adam_step(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {
    double options[7];
    Py_buffer views[3] = {{.buf = NULL}, {.buf = NULL}, {.buf = NULL}};
    PyObject *mark = given == 13 ? arguments[12] : Py_None;
    uint64_t noted;
    if (given < 12 || given > 13 || !read_floats(arguments + 4, options, 7) || !PyBool_Check(arguments[11]) || !PyList_CheckExact(arguments[0])) goto other;
    const Adam o = {options[0], options[1], options[2], options[3], options[4], options[5], options[6], arguments[11] == Py_True, arguments[3] != Py_None};
    const Py_ssize_t n = PyList_GET_SIZE(arguments[0]);
    for (int i = 0; i < 3; i++)
        if ((i < 2 || o.amsgrad != 0.0) && !get_buffer(arguments[1 + i], &views[i], n)) goto other;
    if (PyList_GET_SIZE(arguments[0]) != n || !are_plain(arguments[0], &mark, &noted)) goto other;
    Value **params = (Value **)PySequence_Fast_ITEMS(arguments[0]);
    last_assignment = ++epoch;
    adam_all(params, n, views[0].buf, views[1].buf, views[2].buf, o);
    if (UNLIKELY(noted & COMPUTED_MATTERS)) note_all_computed(params, n);
    for (int i = 0; i < 3; i++) PyBuffer_Release(&views[i]);
    return mark;
other:
    for (int i = 0; i < 3; i++) PyBuffer_Release(&views[i]);
    return step_by_reference(reference_adam_step, arguments, given, 12);
}
