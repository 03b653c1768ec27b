/* Numbers and gradients of many nodes at once. */

/* A buffer of float64 one after another; 1, or 0 without an exception. */
static int get_numbers(PyObject *o, Py_buffer *view, int writable) {
    if (PyObject_GetBuffer(o, view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0)) < 0) {
        PyErr_Clear();
        return 0;
    }
    if (view->format && strcmp(view->format, "d") == 0) return 1;
    PyBuffer_Release(view);
    return 0;
}

static PyObject *wrong_node(Py_ssize_t position, PyObject *node) {
    Py_INCREF(node);
    Py_XDECREF(PyObject_CallFunction(refuse_node, "nO", position, node));
    Py_DECREF(node);
    return NULL;
}

/* The first two arguments of the functions below: Values in a list or tuple, and a buffer of as many numbers, to be released. How many, or
 * -1 with an exception. The nodes are looked at last, since asking for the buffer may run code of the user's: `noted` becomes what their
 * marks have in them, all together. If it is NULL, the caller looks at them. */
static Py_ssize_t nodes_and_numbers(PyObject *const *arguments, Py_buffer *view, int writable, uint64_t *noted) {
    int has_numbers = get_numbers(arguments[1], view, writable), is_list = PyList_Check(arguments[0]) || PyTuple_Check(arguments[0]);
    Py_ssize_t n = is_list ? PySequence_Fast_GET_SIZE(arguments[0]) : 0, numbers = has_numbers ? view->len / (Py_ssize_t)sizeof(double) : 0;
    PyObject **nodes = is_list ? PySequence_Fast_ITEMS(arguments[0]) : NULL, *wrong = is_list ? NULL : arguments[0];
    Py_ssize_t position = is_list ? 0 : -1;
    uint64_t bits = 0;
    if (!noted && is_list && has_numbers && n == numbers) return n;
    for (; position >= 0 && position < n; position++) {
        if (UNLIKELY(!IS_EXACT(nodes[position])) && !IS_VALUE(nodes[position])) {
            wrong = nodes[position];
            break;
        }
        bits |= ((Value *)nodes[position])->mark.bits;
    }
    if (noted) *noted = bits;
    if (LIKELY(has_numbers && !wrong && n == numbers)) return n;
    if (has_numbers) PyBuffer_Release(view);
    if (wrong) wrong_node(position, wrong);
    else if (!has_numbers) Py_XDECREF(PyObject_CallFunctionObjArgs(refuse_numbers, arguments[1], writable ? Py_True : Py_False, NULL));
    else Py_XDECREF(PyObject_CallFunction(refuse_count, "nn", n, numbers));
    return -1;
}

static int takes(const char *name, Py_ssize_t wanted, Py_ssize_t given) {
    if (LIKELY(given == wanted)) return 1;
    PyErr_Format(PyExc_TypeError, "%s() takes %zd positional arguments but %zd were given", name, wanted, given);
    return 0;
}

/* Read the number of each node by a function. */
static INLINE PyObject *read_each(const char *name, PyObject *const *arguments, Py_ssize_t given, double (*number_of)(const Value *)) {
    Py_buffer view;
    Py_ssize_t n = takes(name, 2, given) ? nodes_and_numbers(arguments, &view, 1, NULL) : -1, i = 0;
    if (n < 0) return NULL;
    PyObject **nodes = PySequence_Fast_ITEMS(arguments[0]);
    double *numbers = view.buf;
    for (; i < n && (LIKELY(IS_EXACT(nodes[i])) || IS_VALUE(nodes[i])); i++) numbers[i] = number_of((Value *)nodes[i]);
    PyBuffer_Release(&view);
    if (UNLIKELY(i < n)) return wrong_node(i, nodes[i]);
    Py_RETURN_NONE;
}

static inline double data_of(const Value *v) { return v->data; }
static inline double grad_of(const Value *v) { return or_zero(v->grad); }

static PyObject *module_read_data(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {
    return read_each("read_data", arguments, given, data_of);
}

static PyObject *module_read_grad(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {
    gradients_seen = 1;
    return read_each("read_grad", arguments, given, grad_of);
}

static PyObject *module_write_data(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {
    Py_buffer view;
    uint64_t noted;
    Py_ssize_t n = takes("write_data", 2, given) ? nodes_and_numbers(arguments, &view, 0, &noted) : -1;
    if (n < 0) return NULL;
    Value **nodes = (Value **)PySequence_Fast_ITEMS(arguments[0]);
    const double *numbers = view.buf;
    last_assignment = ++epoch;
    for (Py_ssize_t i = 0; i < n; i++) nodes[i]->data = numbers[i];
    if (UNLIKELY(noted & COMPUTED_MATTERS))
        for (Py_ssize_t i = 0; i < n; i++) note_computed(nodes[i]);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

/* Give each node a gradient: the number, or what it has and the number times `scale`. */
static INLINE void give_each(Value **nodes, Py_ssize_t n, const double *numbers, double scale, const int adds) {
    const uint64_t now = ++epoch, mark = newest_mark;
    for (Py_ssize_t i = 0; i < n; i++) {
        Value *v = nodes[i];
        v->grad = adds ? or_zero(v->grad) + scale * numbers[i] : numbers[i];
        if (v->epoch <= mark && v->op == LEAF) v->epoch = now; /* as written_in has it */
    }
    gradients_seen = 1;
}

static PyObject *module_write_grad(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {
    Py_buffer view;
    uint64_t noted;
    Py_ssize_t n = takes("write_grad", 2, given) ? nodes_and_numbers(arguments, &view, 0, &noted) : -1;
    if (n < 0) return NULL;
    Value **nodes = (Value **)PySequence_Fast_ITEMS(arguments[0]);
    give_each(nodes, n, view.buf, 1.0, 0);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

static PyObject *module_add_grad(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {
    double scale;
    Py_buffer view;
    uint64_t noted;
    if (!takes("add_grad", 3, given) || to_number(arguments[2], &scale) < 0) return NULL;
    Py_ssize_t n = nodes_and_numbers(arguments, &view, 0, &noted);
    if (n < 0) return NULL;
    Value **nodes = (Value **)PySequence_Fast_ITEMS(arguments[0]);
    give_each(nodes, n, view.buf, scale, 1);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

static PyObject *module_mark_gradients(PyObject *module UNUSED, PyObject *params UNUSED) { return new_mark(); }

/* Set the gradients that were not written after `mark` to 0, if others were. */
static void zero_left_out(Value **params, Py_ssize_t n, uint64_t mark) {
    Py_ssize_t left_out = 0;
    for (Py_ssize_t i = 0; i < n; i++) left_out += is_left_out(params[i], mark);
    if (left_out == n) return;
    for (Py_ssize_t i = 0; i < n; i++)
        if (is_left_out(params[i], mark) && !is_none(params[i]->grad)) params[i]->grad = 0.0;
}

static PyObject *module_settle_gradients(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {
    uint64_t mark = given == 2 && PyList_Check(arguments[0]) ? PyLong_AsUnsignedLongLong(arguments[1]) : 0;
    if (PyErr_Occurred()) return NULL;
    int are_all = given == 2 && PyList_Check(arguments[0]);
    Py_ssize_t n = are_all ? PyList_GET_SIZE(arguments[0]) : 0;
    Value **params = are_all ? (Value **)PySequence_Fast_ITEMS(arguments[0]) : NULL;
    for (Py_ssize_t i = 0; i < n && are_all; i++) are_all = IS_VALUE(params[i]);
    if (!are_all) {
        PyErr_SetString(PyExc_TypeError, "settle_gradients() takes a list of Values and what mark_gradients() returned");
        return NULL;
    }
    gradients_seen = 1;
    zero_left_out(params, n, mark);
    return new_mark();
}
