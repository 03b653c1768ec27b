/* A graph as arrays. */

static PyObject *module_constant(PyObject *module UNUSED, PyObject *number) {
    double data;
    if (IS_VALUE(number)) return PyObject_CallOneArg(refuse_data, number);
    return to_number(number, &data) < 0 ? NULL : (PyObject *)new_constant(data);
}

enum { LEAF_CODE = -1, CONSTANT_CODE = -2, BY_HAND_CODE = -3 };

/* A graph as `flatten` lays it out: what becomes its ten results. */
typedef struct {
    PyObject *rows; /* of the table, in a list; the others are bytearrays, of which the results are views */
    PyObject *leaf_positions, *codes, *starts, *operands, *parameters, *data, *root_positions;
    Nodes leaves, by_hand;
} Layout;

/* The index of a row in the list, to which it is added if it is new; -1 with an exception. */
static Py_ssize_t index_of_row(PyObject *list, PyObject *row) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++)
        if (PyList_GET_ITEM(list, i) == row) return i;
    return PyList_Append(list, row) < 0 ? -1 : PyList_GET_SIZE(list) - 1;
}

static PyObject *bytes_for(size_t count, size_t size) { return PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(count * size)); }

/* Room for so many operands; NULL with an exception. */
static int32_t *room_for_operands(Layout *layout, size_t count) {
    return PyByteArray_Resize(layout->operands, (Py_ssize_t)(count * sizeof(int32_t))) < 0 ? NULL : (int32_t *)PyByteArray_AS_STRING(layout->operands);
}

#define POSITION(node) ((int32_t)(((node)->op == LEAF ? (node)->seen : (node)->epoch) - first))

/* Number the nodes in their epochs, from `first` on, and fill the arrays; 0, or -1 with an exception. */
static int lay_out(const Nodes *order, uint64_t first, Layout *layout) {
    int32_t known[OPERATIONS], *code = (int32_t *)PyByteArray_AS_STRING(layout->codes);
    int64_t *start = (int64_t *)PyByteArray_AS_STRING(layout->starts);
    double *parameter = (double *)PyByteArray_AS_STRING(layout->parameters), *data = (double *)PyByteArray_AS_STRING(layout->data);
    size_t filled = 0, room = 2 * order->n;
    int32_t *operands = room_for_operands(layout, room);
    PyObject *last_row = NULL;
    Py_ssize_t last_index = 0;
    if (!operands) return -1;
    for (int op = 0; op < OPERATIONS; op++) known[op] = -1;
    for (size_t i = 0; i < order->n; i++) {
        Value *v = order->items[i];
#define FAR_AHEAD 16
        if (i + FAR_AHEAD < order->n) PREFETCH(order->items[i + FAR_AHEAD]);
        if (v->op == LEAF) v->seen = first + i;
        else v->epoch = first + i;
        start[i] = (int64_t)filled;
        data[i] = v->data;
        parameter[i] = HAS_NUMBER(v) ? v->number : 0.0;
        size_t more = HAS_EXTRA(v) ? (size_t)v->extra->n : 2;
        if (UNLIKELY(filled + more > room)) {
            room = 2 * (filled + more);
            if (!(operands = room_for_operands(layout, room))) return -1;
        }
        if (HAS_A(v)) {
            operands[filled++] = POSITION(v->a);
            if (HAS_B(v)) operands[filled++] = POSITION(v->b);
        } else if (HAS_EXTRA(v))
            for (Py_ssize_t k = 0; k < v->extra->n; k++) {
                PyObject *o = v->extra->operands[k];
                if (LIKELY(IS_EXACT(o)) || IS_VALUE(o)) operands[filled++] = POSITION((Value *)o);
                else parameter[i] = PyFloat_AS_DOUBLE(o);
            }
        if (v->op == LEAF || v->op == BY_HAND) {
            Nodes *into = v->op == LEAF ? &layout->leaves : &layout->by_hand;
            if (!HAS_ROOM(*into, 1)) return -1;
            into->items[into->n++] = v;
            code[i] = v->op == BY_HAND ? BY_HAND_CODE : v->flags & CONSTANT ? CONSTANT_CODE : LEAF_CODE;
        } else if (v->op == ROW || known[v->op] < 0) {
            PyObject *row = row_of(v);
            if (row != last_row && (last_index = index_of_row(layout->rows, row)) < 0) return -1;
            last_row = row;
            if (v->op != ROW) known[v->op] = (int32_t)last_index;
            code[i] = (int32_t)last_index;
        } else
            code[i] = known[v->op];
    }
    start[order->n] = (int64_t)filled;
    return room_for_operands(layout, filled) ? 0 : -1;
}

/* The positions of some nodes, as an array; NULL with an exception. */
static PyObject *positions(Value *const *nodes, size_t n, uint64_t first) {
    PyObject *bytes = bytes_for(n, sizeof(int32_t));
    int32_t *position = bytes ? (int32_t *)PyByteArray_AS_STRING(bytes) : NULL;
    for (size_t i = 0; bytes && i < n; i++) position[i] = POSITION(nodes[i]);
    return bytes;
}

/* The arrays, filled; 0, or -1 with an exception. What is made before the last number has been read is nothing that Python's cyclic
 * collector counts, and so starts no finalizer, which could walk through a graph and change the numbers. The list of rows is made before. */
static int flatten(PyObject *roots, Layout *layout, Nodes *order) {
    Value **root = (Value **)PySequence_Fast_ITEMS(roots);
    size_t count = (size_t)PyTuple_GET_SIZE(roots);
    if (walk(root, count, order, NULL, LOOK) < 0) return -1;
    if (order->n > INT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "the graph has more nodes than an int32 can count");
        return -1;
    }
    if (epoch + order->n >= LAST_EPOCH) epoch = 0;
    uint64_t first = epoch + 1;
    epoch += order->n;
    if (!(layout->codes = bytes_for(order->n, sizeof(int32_t))) || !(layout->starts = bytes_for(order->n + 1, sizeof(int64_t))) ||
        !(layout->operands = bytes_for(0, 1)) || !(layout->parameters = bytes_for(order->n, sizeof(double))) ||
        !(layout->data = bytes_for(order->n, sizeof(double))) || lay_out(order, first, layout) < 0)
        return -1;
    layout->leaf_positions = positions(layout->leaves.items, layout->leaves.n, first);
    layout->root_positions = positions(root, count, first);
    return layout->leaf_positions && layout->root_positions ? 0 : -1;
}

static PyObject *as_array(PyObject *bytes, const char *format) {
    PyObject *view = PyMemoryView_FromObject(bytes), *array = view ? PyObject_CallMethod(view, "cast", "s", format) : NULL;
    Py_XDECREF(view);
    return array;
}

static PyObject *module_flatten(PyObject *module UNUSED, PyObject *sequence) {
    PyObject *roots = PySequence_Tuple(sequence), *result = NULL, *leaves = NULL, *by_hand = NULL;
    Layout layout;
    Nodes order = {NULL, 0, 0, 0};
    memset(&layout, 0, sizeof layout);
    if (!roots) return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(roots); i++)
        if (!IS_VALUE(PyTuple_GET_ITEM(roots, i))) {
            Py_XDECREF(PyObject_CallOneArg(refuse_root, PyTuple_GET_ITEM(roots, i)));
            Py_DECREF(roots);
            return NULL;
        }
    sweeping++;
    if ((layout.rows = PyList_New(0)) && flatten(roots, &layout, &order) == 0) {
        leaves = as_list(&layout.leaves);
        by_hand = leaves ? as_list(&layout.by_hand) : NULL;
    }
    end_of_sweep();
    if (by_hand)
        result = Py_BuildValue("NNNNNNNNNN", leaves, as_array(layout.leaf_positions, "i"), Py_NewRef(layout.rows), as_array(layout.codes, "i"),
                               as_array(layout.starts, "q"), as_array(layout.operands, "i"), as_array(layout.parameters, "d"),
                               as_array(layout.data, "d"), as_array(layout.root_positions, "i"), by_hand);
    else
        Py_XDECREF(leaves);
    Py_DECREF(roots);
    PyObject *const parts[] = {layout.rows,       layout.leaf_positions, layout.codes, layout.starts, layout.operands,
                               layout.parameters, layout.data,           layout.root_positions};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) Py_XDECREF(parts[i]);
    PyMem_RawFree(layout.leaves.items);
    PyMem_RawFree(layout.by_hand.items);
    PyMem_RawFree(order.items);
    return result;
}
