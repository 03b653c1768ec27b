/* Operations make nodes. */

/* The class of a result: the most derived of those that its operands give; NULL with an exception. */
static inline PyTypeObject *wider(PyTypeObject *kind, PyObject *operand) {
    if (!kind || IS_EXACT(operand)) return kind;
    Kind *known = kind_of(Py_TYPE(operand));
    if (!known) return NULL;
    PyTypeObject *type = known->result;
    if (kind == value_type || type == kind) return type;
    return PyType_IsSubtype(type, kind) ? type : kind;
}

static Value *new_result(Value *a, Value *b, double data) {
    Kind *kind = recent;
    PyTypeObject *type = kind->type;
    if (LIKELY(kind->result == type && kind->light && (IS_EXACT(a) || Py_IS_TYPE((PyObject *)a, type)) && (IS_EXACT(b) || Py_IS_TYPE((PyObject *)b, type))))
        return new_light(kind, data);
    type = wider(wider(value_type, (PyObject *)a), (PyObject *)b);
    return type ? new_node_of(type, data) : NULL;
}

/* A node of one operand; takes no reference. */
static PyObject *unary(PyObject *self, int op) {
    Value *a = (Value *)self;
    double data = unary_forward(op, a->data);
    Value *v = LIKELY(IS_EXACT(a)) ? new_node(data, op) : new_result(a, a, data);
    if (!v) return NULL;
    Py_INCREF(a);
    v->a = a;
    v->op = (unsigned char)op;
    if (UNLIKELY(a->flags & TRACKED)) track_new(v);
    return made(v);
}

/* A node of two; steals the references to a and b. */
static inline PyObject *binary_node(int op, Value *a, Value *b) {
    double data = binary_forward(op, a->data, b->data);
    Value *v = LIKELY(IS_EXACT(a) && IS_EXACT(b)) ? new_node(data, op) : new_result(a, b, data);
    if (!v) {
        Py_DECREF(a);
        Py_DECREF(b);
        return NULL;
    }
    v->a = a;
    v->b = b;
    v->op = (unsigned char)op;
    if (UNLIKELY((a->flags | b->flags) & TRACKED)) track_new(v);
    return made(v);
}

/* A node of one Value and a number that belongs to the operation; takes no reference. */
static PyObject *number_node(int op, Value *a, double number) {
    double data = number_forward(op, a->data, number);
    Value *v = IS_EXACT(a) ? new_node(data, op) : new_result(a, a, data);
    if (!v) return NULL;
    Py_INCREF(a);
    v->a = a;
    v->number = number;
    v->op = (unsigned char)op;
    if (a->flags & TRACKED) track_new(v);
    return made(v);
}

/* A node that keeps its operands out of line: every Value and, as leaves, the numbers among `operands`, but for a parameter.
 * `data`, if not NULL, gets a list of the operands' numbers as Python floats. */
static Value *node_of(int op, PyObject *const *operands, Py_ssize_t n, int parametric, PyObject **data) {
    PyTypeObject *kind = value_type;
    for (Py_ssize_t i = 0; i < n; i++)
        if (UNLIKELY(!IS_EXACT(operands[i])) && IS_VALUE(operands[i])) kind = wider(kind, operands[i]);
    if (!kind) return NULL;
    Extra *x = new_extra(n);
    if (!x) return NULL;
    Value *v = NULL;
    int tracked = 0;
    for (; x->n < n; x->n++) {
        PyObject *o = operands[x->n], *operand;
        double number;
        if (LIKELY(IS_EXACT(o)) || IS_VALUE(o)) {
            operand = Py_NewRef(o);
            tracked |= ((Value *)o)->flags & TRACKED;
            number = ((Value *)o)->data;
        } else {
            if (to_number(o, &number) < 0) goto failed;
            operand = parametric && x->n == 1 ? PyFloat_FromDouble(number) : (PyObject *)new_constant(number);
            if (!operand) goto failed;
        }
        x->operands[x->n] = operand;
        if (data && !(data[x->n] = PyFloat_FromDouble(number))) {
            x->n++;
            goto failed;
        }
    }
    if (!(v = new_node_of(kind, 0.0))) goto failed;
    v->extra = x;
    v->op = (unsigned char)op;
    if (tracked) track_new(v);
    return v;
failed:
    discard(x);
    return NULL;
}

/* A node of an operation in C that keeps its operands out of line. */
static PyObject *many_node(int op, PyObject *const *operands, Py_ssize_t n) {
    Value *v = node_of(op, operands, n, 0, NULL);
    if (!v) return NULL;
    v->data = many_forward(v);
    return made(v);
}

/* Whatever row of the table, computed by the row itself. */
static PyObject *row_node(PyObject *row, PyObject *const *operands, Py_ssize_t n) {
    PyObject *answer = NULL, *parametric = PyObject_GetAttr(row, s_parametric), *forward = PyObject_GetAttr(row, s_forward);
    Value *v = NULL;
    PyObject **data = PyMem_Calloc((size_t)n + 1, sizeof(PyObject *));
    if (!data) PyErr_NoMemory();
    int is_parametric = parametric && forward && data ? PyObject_IsTrue(parametric) : -1;
    if (is_parametric >= 0 && (v = node_of(ROW, operands, n, is_parametric, data))) {
        v->extra->row = Py_NewRef(row);
        answer = PyObject_Vectorcall(forward, data, (size_t)n, NULL);
        if (!answer) Py_CLEAR(v);
    }
    if (v) {
        v->data = PyFloat_AsDouble(answer);
        if (v->data == -1.0 && PyErr_Occurred()) Py_CLEAR(v);
    }
    if (data)
        for (Py_ssize_t i = 0; i < n; i++) Py_XDECREF(data[i]);
    PyMem_Free(data);
    Py_XDECREF(parametric);
    Py_XDECREF(forward);
    Py_XDECREF(answer);
    return v ? made(v) : NULL;
}

/* The node for two operands, at least one of which is a Value: a number becomes a leaf. */
static PyObject *node_of_two(int op, PyObject *const *operands) {
    Value *both[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        if (IS_VALUE(operands[i])) {
            both[i] = (Value *)Py_NewRef(operands[i]);
            continue;
        }
        double number;
        if (to_number(operands[i], &number) < 0 || !(both[i] = new_constant(number))) {
            Py_XDECREF(both[0]);
            return NULL;
        }
    }
    return binary_node(op, both[0], both[1]);
}

/* The node for a row of the table and its operands, at least one of which is a Value. */
static PyObject *apply(PyObject *row, PyObject *const *operands, Py_ssize_t n) {
    const int op = operation_of(row);
    if (op >= DOT && op <= TAKE) return many_node(op, operands, n);
    if (n == 1 && op >= NUMBER_END && op < UNARY_END && IS_VALUE(operands[0])) return unary(operands[0], op);
    if (n == 2 && op < BINARY_END) {
        double number;
        if (!with_number[op] || IS_VALUE(operands[1]) || !IS_VALUE(operands[0])) return node_of_two(op, operands);
        return to_number(operands[1], &number) < 0 ? NULL : number_node(with_number[op], (Value *)operands[0], number);
    }
    if (n == 3 && op >= UNARY_END && op < TERNARY_END) return many_node(op, operands, n);
    return row_node(row, operands, n);
}

static PyObject *value_apply(PyObject *self UNUSED, PyObject *const *arguments, Py_ssize_t n) {
    if (n != 2) {
        PyErr_Format(PyExc_TypeError, "_apply() takes a primitive and its operands, got %zd arguments", n);
        return NULL;
    }
    PyObject *operands = PySequence_Tuple(arguments[1]);
    if (!operands) return NULL;
    PyObject *v = apply(arguments[0], PySequence_Fast_ITEMS(operands), PyTuple_GET_SIZE(operands));
    Py_DECREF(operands);
    return v;
}
