/* The chain rule: a node adds its share to the gradients of its operands. */

/* A hand-made `_backward`, or nothing. */
static int push_by_hand(Value *v) {
    PyObject *function = v->extra->function;
    if (!function) return 0;
    Py_INCREF(function); /* it may assign another one to its own node */
    PyObject *answer = v->extra->takes_node ? PyObject_CallOneArg(function, (PyObject *)v) : PyObject_CallNoArgs(function);
    Py_DECREF(function);
    if (!answer) return -1;
    Py_DECREF(answer);
    return 0;
}

static PyObject *partial_of(PyObject *row, PyObject *partials, Py_ssize_t position, PyObject **data, Py_ssize_t n) {
    if (PyTuple_Check(partials) && PyTuple_GET_SIZE(partials) == n)
        return PyObject_Vectorcall(PyTuple_GET_ITEM(partials, position), data, (size_t)n + 1, NULL);
    PyObject *operands = PyTuple_New(n), *number = PyLong_FromSsize_t(position), *answer = NULL;
    if (operands && number) {
        for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(operands, i, Py_NewRef(data[i]));
        PyObject *arguments[] = {row, number, operands, data[n]};
        answer = PyObject_VectorcallMethod(s_partial, arguments, 4, NULL);
    }
    Py_XDECREF(operands);
    Py_XDECREF(number);
    return answer;
}

/* Whether a row may leave out the operand at a position; -1 with an exception. */
static int is_choice(PyObject *row, Py_ssize_t position) {
    PyObject *choices = PyObject_GetAttr(row, s_choices), *number = choices ? PyLong_FromSsize_t(position) : NULL;
    int found = number ? PySequence_Contains(choices, number) : -1;
    Py_XDECREF(choices);
    Py_XDECREF(number);
    return found;
}

/* A node of the table: operand.grad += partial(operands, out) * grad, from the first operand to the last; from the last to the first
 * for an operation of any number of operands. */
static int push_row(Value *v) {
    Extra *x = v->extra;
    Py_ssize_t n = x->n, done = 0;
    int skipped;
    PyObject *partials = PyObject_GetAttr(x->row, s_partials), *row = x->row;
    PyObject **data = PyMem_Calloc((size_t)n + 1, sizeof(PyObject *));
    int result = -1;
    if (!data) PyErr_NoMemory();
    if (!partials || !data) goto done;
    for (Py_ssize_t i = 0; i <= n; i++) {
        if (i < n && !IS_VALUE(x->operands[i]))
            data[i] = Py_NewRef(x->operands[i]);
        else if (!(data[i] = PyFloat_FromDouble(i < n ? ((Value *)x->operands[i])->data : v->data)))
            goto done;
    }
    int forward = PyTuple_Check(partials) && PyTuple_GET_SIZE(partials) == n;
    if (!forward) {
        PyObject *each = PyObject_GetAttr(row, s_each);
        Py_XDECREF(each); /* the row keeps it */
        if (!each) goto done;
        if (each == zero_function) done = n; /* nothing passes */
    }
    for (; done < n; done++) {
        Py_ssize_t position = forward ? done : n - 1 - done;
        PyObject *operand = x->operands[position];
        if (!IS_VALUE(operand) || (forward && PyTuple_GET_ITEM(partials, position) == zero_function)) continue;
        PyObject *partial = partial_of(row, partials, position, data, n);
        if (!partial) goto done;
        double slope = PyFloat_AsDouble(partial);
        Py_DECREF(partial);
        if (slope == -1.0 && PyErr_Occurred()) goto done;
        if (slope == 0.0 && (skipped = is_choice(row, position))) {
            if (skipped < 0) goto done;
            continue;
        }
        GIVE((Value *)operand, slope * v->grad);
    }
    result = 0;
done:
    if (data)
        for (Py_ssize_t i = 0; i <= n; i++) Py_XDECREF(data[i]);
    PyMem_Free(data);
    Py_XDECREF(partials);
    return result;
}

static inline void push_dot(Value *v) {
    Py_ssize_t n = v->extra->n, start = n % 2;
    Value **nodes = (Value **)v->extra->operands;
    double grad = v->grad;
    for (Py_ssize_t i = n - 2; i >= start; i -= 2) {
        Value *weight = nodes[i], *x = nodes[i + 1];
        GIVE(weight, x->data * grad);
        GIVE(x, weight->data * grad);
    }
    if (start) nodes[0]->grad += grad;
}

static inline void push_take(Value *v) {
    Value **nodes = (Value **)v->extra->operands;
    Py_ssize_t position = v->extra->n ? taken(nodes, v->extra->n) : 0;
    if (position) nodes[position]->grad += 1.0 * v->grad;
}

/* What the rows in rows.h pass to an operand: the gradient itself, its product with the partial derivative, or that unless it is 0. */
#define PASS(node) (node)->grad += grad
#define SHARE(node, partial) GIVE(node, (partial) * grad)
#define CHOOSE(node, partial)                                       \
    do {                                                            \
        const double slope = (partial);                             \
        (node)->grad += slope != 0.0 ? slope * grad + 0.0 : NOTHING; \
    } while (0)

static void push_ternary(Value *v) {
    Value **nodes = (Value **)v->extra->operands, *a = nodes[0], *b = nodes[1], *c = nodes[2];
    const double grad = v->grad;
#define CASE(op, shares) \
    case op: shares; return;
    switch (v->op) { TERNARY_SHARES(CASE) }
#undef CASE
    (void)a, (void)b, (void)c, (void)grad;
}

/* Add a node's share to its operands' gradients. The operations that run code of the user's come last. */
static inline int push(Value *v) {
    const double grad = v->grad;
    Value *a = v->a;
    switch (v->op) {
    case LEAF: return 0;
#define CASE(op, shares)    \
    case op: {              \
        Value *b = v->b;    \
        (void)b;            \
        shares;             \
    }                       \
        return 0;
        BINARY_SHARES(CASE)
#undef CASE
#define CASE(op, shares) \
    case op: shares; return 0;
        NUMBER_SHARES(CASE)
        UNARY_SHARES(CASE)
#undef CASE
    case DOT: push_dot(v); return 0;
    case LARGEST: return 0;
    case TAKE: push_take(v); return 0;
    case ROW: return push_row(v);
    case BY_HAND: return push_by_hand(v);
    default: push_ternary(v); return 0;
    }
}

/* By hand, one node after another: its operands get the gradient, which counts as an assignment to them. */
static PyObject *value_push(PyObject *self, PyObject *nothing UNUSED) {
    Value *v = (Value *)self;
    uint64_t now = ++epoch;
    gradients_seen = 1;
    if (HAS_A(v)) {
        v->a->grad = or_zero(v->a->grad);
        written_in(v->a, now);
        if (HAS_B(v)) {
            v->b->grad = or_zero(v->b->grad);
            written_in(v->b, now);
        }
    } else if (HAS_EXTRA(v))
        for (Py_ssize_t i = 0; i < v->extra->n; i++)
            if (IS_VALUE(v->extra->operands[i])) {
                Value *operand = (Value *)v->extra->operands[i];
                operand->grad = or_zero(operand->grad);
                written_in(operand, now);
            }
    v->grad = or_zero(v->grad);
    sweeping++;
    int result = push((Value *)self);
    end_of_sweep();
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}
