/* Numbers that were changed after something had been computed from them. */

static int same(double a, double b) { return a == b || (a != a && b != b); }

/* Remember the numbers of the operands that a function made by hand goes with. Without memory for them, they are not compared. */
static void remember_operands(Extra *x) {
    double *seen = PyMem_Realloc(x->seen, ((size_t)x->n + 1) * sizeof *seen);
    if (!seen) return;
    x->seen = seen;
    for (Py_ssize_t i = 0; i < x->n; i++) seen[i] = IS_VALUE(x->operands[i]) ? ((Value *)x->operands[i])->data : 0.0;
}

/* A node has been given a number. Where the operation was made by hand, it is the right one. */
static inline void note_assignment(Value *v) {
    if (LIKELY(v->op == LEAF)) return;
    if (v->op != BY_HAND) v->flags |= SUSPECT | SET;
    else if (v->extra->seen) remember_operands(v->extra);
}

/* A node has been given a computed number, which is not known to be that of an int. */
static inline void note_computed(Value *v) {
    if (LIKELY(v->op == LEAF && !(v->flags & WHOLE))) return;
    v->flags &= ~WHOLE;
    note_assignment(v);
}

static void assign(Value *v, double number) {
    if (same(number, v->data) && signbit(number) == signbit(v->data)) return;
    v->data = number;
    last_assignment = ++epoch;
    note_assignment(v);
}

/* What a row of the table makes of the numbers of a node's operands. */
static int row_number(Value *v, double *number) {
    Extra *x = v->extra;
    PyObject *forward = PyObject_GetAttr(x->row, s_forward), *answer = NULL;
    PyObject **data = PyMem_Calloc((size_t)x->n + 1, sizeof(PyObject *));
    Py_ssize_t n = x->n, i = 0;
    if (!data) PyErr_NoMemory();
    for (; forward && data && i < n; i++) {
        PyObject *o = x->operands[i];
        if (!(data[i] = IS_VALUE(o) ? PyFloat_FromDouble(((Value *)o)->data) : Py_NewRef(o))) break;
    }
    if (forward && data && i == n) answer = PyObject_Vectorcall(forward, data, (size_t)n, NULL);
    while (data && i-- > 0) Py_DECREF(data[i]);
    PyMem_Free(data);
    Py_XDECREF(forward);
    if (answer) *number = PyFloat_AsDouble(answer);
    Py_XDECREF(answer);
    return !answer || (*number == -1.0 && PyErr_Occurred()) ? -1 : 0;
}

/* Whether a node's number is what its operation makes of those of its operands, which is then `number`; -1 with an exception. */
static int follows(Value *v, double *number) {
    *number = v->data;
    if (HAS_B(v)) *number = binary_forward(v->op, v->a->data, v->b->data);
    else if (HAS_NUMBER(v)) *number = number_forward(v->op, v->a->data, v->number);
    else if (HAS_A(v)) *number = unary_forward(v->op, v->a->data);
    else if (HAS_EXTRA(v) && v->op < ROW) *number = many_forward(v);
    else if (v->op == ROW) {
        if (row_number(v, number) < 0) return -1;
    } else if (v->op == BY_HAND && v->extra->seen)
        for (Py_ssize_t i = 0; i < v->extra->n; i++)
            if (!same(v->extra->seen[i], ((Value *)v->extra->operands[i])->data)) return 0;
    return same(*number, v->data);
}

/* What is told of a node whose number does not follow: the node, the number that would (of an operation made by hand: the numbers that its
 * operands had), and whether its own was set. */
static PyObject *told_change(Value *v, double number) {
    PyObject *known = NULL;
    if (v->op != BY_HAND) known = PyFloat_FromDouble(number);
    else if ((known = PyTuple_New(v->extra->n)))
        for (Py_ssize_t i = 0; known && i < v->extra->n; i++) {
            PyObject *seen = PyFloat_FromDouble(v->extra->seen[i]);
            if (seen) PyTuple_SET_ITEM(known, i, seen);
            else Py_CLEAR(known);
        }
    PyObject *told = known ? PyTuple_Pack(3, (PyObject *)v, known, v->flags & SET ? Py_True : Py_False) : NULL;
    Py_XDECREF(known);
    return told;
}

/* Put into a list what there is to tell of the suspects of an order, and clear those that are none; 0, or -1 with an exception. */
static int list_changed(const Nodes *order, PyObject *list) {
    for (size_t i = 0; i < order->n; i++) {
        Value *v = order->items[i];
        double number;
        if (!(v->flags & SUSPECT)) continue;
        int answer = follows(v, &number);
        if (answer < 0) return -1;
        if (answer) {
            v->flags &= ~(SUSPECT | SET);
            continue;
        }
        PyObject *told = told_change(v, number);
        int failed = told ? PyList_Append(list, told) : -1;
        Py_XDECREF(told);
        if (failed < 0) return -1;
    }
    return 0;
}

/* Report the changes that `backward` meets; 0 if it may go on, or -1 with an exception. */
static int refuse_changed(Value *root, const Nodes *order) {
    PyObject *list = PyList_New(0), *answer = NULL;
    if (list && list_changed(order, list) == 0)
        answer = PyList_GET_SIZE(list) ? PyObject_CallFunctionObjArgs(report_change, (PyObject *)root, list, NULL) : Py_NewRef(Py_None);
    Py_XDECREF(list);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

static PyObject *module_changed(PyObject *module UNUSED, PyObject *root) {
    if (!IS_VALUE(root)) return PyObject_CallOneArg(refuse_root, root);
    Nodes order = {NULL, 0, 0, 0};
    PyObject *list = PyList_New(0);
    sweeping++;
    if (list && (walk((Value **)&root, 1, &order, NULL, LOOK) < 0 || (order.flags & SUSPECT && list_changed(&order, list) < 0))) Py_CLEAR(list);
    end_of_sweep();
    PyMem_RawFree(order.items);
    return list;
}
