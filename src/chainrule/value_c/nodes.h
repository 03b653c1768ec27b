/* Lists of nodes. */

typedef struct {
    Value **items;
    size_t n, room;
    int flags; /* of an order: those of all its nodes */
} Nodes;

static int grow(Nodes *nodes, size_t more) {
    size_t room = nodes->room ? nodes->room : 256;
    while (room < nodes->n + more) room *= 2;
    Value **items = room > PY_SSIZE_T_MAX / sizeof *items ? NULL : PyMem_RawRealloc(nodes->items, room * sizeof *items);
    if (!items) {
        PyErr_NoMemory();
        return -1;
    }
    nodes->items = items;
    nodes->room = room;
    return 0;
}
#define HAS_ROOM(nodes, more) (LIKELY((nodes).n + (more) <= (nodes).room) || grow(&(nodes), (more)) == 0)

/* The memory of a walk's lists is kept for the next one, up to a size: the system might take it back, and clear it page by page again. */
#define MOST_ROOM_KEPT 65536
static Nodes kept_order, kept_stack;

static Nodes take_kept(Nodes *kept) {
    Nodes nodes = {kept->items, 0, kept->room, 0};
    *kept = (Nodes){NULL, 0, 0, 0}; /* a walk may meet code of the user's that begins another */
    return nodes;
}

static void keep(Nodes *kept, Nodes nodes) {
    if (nodes.room > MOST_ROOM_KEPT || nodes.room <= kept->room)
        PyMem_RawFree(nodes.items);
    else {
        PyMem_RawFree(kept->items);
        *kept = nodes;
    }
}

static PyObject *as_list(const Nodes *nodes) {
    PyObject *list = PyList_New((Py_ssize_t)nodes->n);
    if (list)
        for (size_t i = 0; i < nodes->n; i++) PyList_SET_ITEM(list, (Py_ssize_t)i, Py_NewRef((PyObject *)nodes->items[i]));
    return list;
}
