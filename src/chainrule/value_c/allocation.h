/* Nodes are made, of the exact type and of the user's classes, and known to Python's cyclic collector only where they have to be. */

#ifndef CHAINRULE_FREE_NODES
#define CHAINRULE_FREE_NODES 131072 /* 10 MB: two steps of a training loop with a graph of 65,000 nodes */
#endif
static Value *free_list;
static Py_ssize_t free_count;

static Value *allocate_node(void) {
    Value *v = PyObject_GC_New(Value, value_type);
    return v;
}

/* A node of the exact type, untracked. Its operands are not set. */
static inline Value *new_node(double data, int op) {
    Value *v = free_list;
    if (LIKELY(v != NULL)) {
        free_list = v->next;
        free_count--;
        PREFETCH(free_list); /* the free list wanders through memory: have the next node at hand */
        PREFETCH((char *)free_list + sizeof(Value) - 1);
#if defined(Py_REF_DEBUG) || defined(Py_TRACE_REFS)
        _Py_NewReference((PyObject *)v);
#else
        Py_SET_REFCNT((PyObject *)v, 1);
#endif
    } else if ((v = allocate_node()) == NULL)
        return NULL;
    v->data = data;
    v->grad = 0.0;
    v->epoch = epoch;
    v->op = (unsigned char)op;
    v->flags = 0;
    v->attributes = NULL;
    return v;
}

static inline Value *new_leaf(double data) {
    Value *v = new_node(data, LEAF);
    if (LIKELY(v != NULL)) v->seen = 0;
    return v;
}

/* A leaf for a number of the program, such as the 2.0 of 2.0 * x. */
static inline Value *new_constant(double data) {
    Value *v = new_leaf(data);
    if (LIKELY(v != NULL)) v->flags = CONSTANT;
    return v;
}

/* A subclass of the user's: of which class the results of operations on its objects are, and their free list. Only objects that have
 * nothing in themselves but what a Value has, and perhaps references that are weak, are as light as Values: such a class gets
 * `light_dealloc`, and its objects are tracked only when they have to be. */
typedef struct {
    PyTypeObject *type, *result; /* both are held */
    int light;
    Value *free;
    Py_ssize_t count;
} Kind;
#define KINDS 4 /* that are known at a time; others take a place in turn */
static Kind kinds[KINDS], *recent = kinds;

static void light_dealloc(PyObject *self);

#if PY_VERSION_HEX >= 0x030C0000
#define WEAKLY_REFERENCED(type) ((type)->tp_weaklistoffset != 0)
#define PLAIN_SIZE(type) ((type)->tp_basicsize == (Py_ssize_t)sizeof(Value))
#else
#define WEAK_LIST(v) (*(PyObject **)((char *)(v) + sizeof(Value)))
#define WEAKLY_REFERENCED(type) ((type)->tp_basicsize > (Py_ssize_t)sizeof(Value))
#define PLAIN_SIZE(type)                                    \
    ((type)->tp_basicsize == (Py_ssize_t)sizeof(Value) ||   \
     ((type)->tp_basicsize == (Py_ssize_t)(sizeof(Value) + sizeof(PyObject *)) && (type)->tp_weaklistoffset == (Py_ssize_t)sizeof(Value)))
#endif

static int is_light(PyTypeObject *type) {
    if (type->tp_dealloc == light_dealloc) return 1;
    if (!PLAIN_SIZE(type) || type->tp_itemsize || type->tp_finalize || type->tp_del || type->tp_alloc != PyType_GenericAlloc ||
        type->tp_free != PyObject_GC_Del || type->tp_dictoffset != value_type->tp_dictoffset)
        return 0;
    type->tp_dealloc = light_dealloc;
    return 1;
}

static void forget(Kind *kind) {
    Kind old = *kind;
    memset(kind, 0, sizeof *kind);
    while (old.free) {
        Value *v = old.free;
        old.free = v->next;
        Py_INCREF(old.type); /* deleting looks at the type */
        PyObject_GC_Del(v);
        Py_DECREF(old.type);
    }
    Py_XDECREF(old.type);
    Py_XDECREF(old.result);
}

/* What is known of a class; NULL with an exception. */
static Kind *kind_of(PyTypeObject *type) {
    if (LIKELY(recent->type == type)) return recent;
    for (int i = 0; i < KINDS; i++)
        if (kinds[i].type == type) return recent = &kinds[i];
    PyObject *result = PyObject_CallFunctionObjArgs(result_class_function, type, value_type, NULL);
    if (!result) return NULL;
    static int turn;
    Kind *kind = &kinds[turn++ % KINDS];
    forget(kind);
    kind->type = (PyTypeObject *)Py_NewRef((PyObject *)type);
    kind->result = (PyTypeObject *)result;
    kind->light = is_light(type);
    return recent = kind;
}

static inline Value *new_light(Kind *kind, double data) {
    PyTypeObject *type = kind->type;
    Value *v;
    if (LIKELY((v = kind->free) != NULL)) {
        kind->free = v->next;
        kind->count--;
        PREFETCH(kind->free);
        PREFETCH((char *)kind->free + sizeof(Value) - 1);
        Py_INCREF(type);
#if defined(Py_REF_DEBUG) || defined(Py_TRACE_REFS)
        _Py_NewReference((PyObject *)v);
#else
        Py_SET_REFCNT((PyObject *)v, 1);
#endif
    } else {
        if (!(v = PyObject_GC_New(Value, type))) return NULL;
#if PY_VERSION_HEX < 0x030C0000
        if (WEAKLY_REFERENCED(type)) WEAK_LIST(v) = NULL;
#endif
    }
    v->data = data;
    v->grad = 0.0;
    v->epoch = epoch;
    v->op = LEAF;
    v->flags = 0;
    v->attributes = NULL;
    v->seen = 0;
    return v;
}

/* A node of a class: LEAF, until its operands are set. */
static Value *new_node_of(PyTypeObject *type, double data) {
    if (type == value_type) return new_leaf(data);
    Kind *kind = kind_of(type);
    if (!kind) return NULL;
    if (LIKELY(kind->light)) return new_light(kind, data);
    Value *v = (Value *)type->tp_alloc(type, 0);
    if (v) {
        v->data = data;
        v->epoch = epoch;
        v->flags = TRACKED | BORN_TRACKED;
    }
    return v;
}

static inline void track(Value *v) {
    if (!(v->flags & TRACKED)) {
        v->flags |= TRACKED;
        PyObject_GC_Track((PyObject *)v);
    }
}

/* Track a node that nothing has been made from. */
static inline void track_new(Value *v) {
    track(v);
    v->flags |= BORN_TRACKED;
}

static Py_ssize_t late_count; /* how many nodes are LATE */
static void heed_collections(void);

/* Track a node that may lead to what was made from it. */
static void track_late(Value *v) {
    track(v);
    if (v->flags & (BORN_TRACKED | LATE)) return;
    v->flags |= LATE;
    if (late_count++ == 0) heed_collections();
}

/* The collector is to forget a node that dies. */
static inline void untrack(Value *v) {
    PyObject_GC_UnTrack((PyObject *)v);
    if (UNLIKELY(v->flags & LATE)) late_count--;
}

static Extra *new_extra(Py_ssize_t n) {
    if ((size_t)n > (PY_SSIZE_T_MAX - sizeof(Extra)) / sizeof(PyObject *)) return (Extra *)PyErr_NoMemory();
    Extra *x = PyMem_Malloc(sizeof(Extra) + (size_t)n * sizeof(PyObject *));
    if (!x) return (Extra *)PyErr_NoMemory();
    memset(x, 0, sizeof(Extra));
    return x;
}
