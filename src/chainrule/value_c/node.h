/* What a node is, and the marks that it has. */

/* A node's operation: first those of the table that are written in C, by their kinds, of which HAS_A and so on are ranges. Of x ** 2 the
 * exponent is a number and no node. ROW is any other of the table, and BY_HAND one that the user made. */
#define ENTRY(op, name) op,
enum {
    LEAF,
    BINARY_ROWS(ENTRY) BINARY_END,
    BEFORE_NUMBER = BINARY_END - 1,
    NUMBER_ROWS(ENTRY) NUMBER_END,
    BEFORE_UNARY = NUMBER_END - 1,
    UNARY_ROWS(ENTRY) UNARY_END,
    BEFORE_TERNARY = UNARY_END - 1,
    TERNARY_ROWS(ENTRY) TERNARY_END,
    DOT = TERNARY_END,
    LARGEST,
    TAKE,
    ROW,
    BY_HAND,
    OPERATIONS
};
#undef ENTRY
#define HAS_A(v) ((v)->op > LEAF && (v)->op < UNARY_END)
#define HAS_B(v) ((v)->op > LEAF && (v)->op < BINARY_END)
#define HAS_NUMBER(v) ((v)->op >= BINARY_END && (v)->op < NUMBER_END)
#define HAS_EXTRA(v) ((v)->op >= UNARY_END)

/* flags: the cyclic collector knows this node; and all nodes that it depends on; it is a leaf that stands for a number of the program; the
 * collector has known it since it was made, or is to know it while nodes that were made from it before are not known: `look_around`; its
 * number may not be that of its operation, or was set: `follows`; its data was given as an int */
enum { TRACKED = 1, ALL_TRACKED = 2, CONSTANT = 4, BORN_TRACKED = 8, LATE = 16, SUSPECT = 32, SET = 64, WHOLE = 128 };

typedef struct Value Value;

/* The epoch, the operation and the flags of a node, in one word: those of many nodes are looked at together. */
typedef union {
    struct {
        uint64_t epoch : 48;
        uint64_t op : 8;
        uint64_t flags : 8;
    };
    uint64_t bits;
} Mark;

/* What in a mark makes a computed number matter to more than the number. */
#define COMPUTED_MATTERS (((Mark){.op = UINT8_MAX, .flags = WHOLE}).bits)
#define ANY_TRACKED (((Mark){.flags = TRACKED}).bits)

/* The operands of a node that has other than one or two Values, and what makes up an operation that is not written out here. */
typedef struct Extra {
    struct Extra *next;  /* in the list of retired ones */
    PyObject *row;       /* of ROW: its primitive. Of BY_HAND: the primitive that computed the data, or NULL */
    PyObject *name;      /* of BY_HAND: the operation's name */
    PyObject *function;  /* of BY_HAND: the `_backward` that was assigned, or NULL */
    int takes_node;      /* whether it is called with the node, so that it need not hold it and close a cycle */
    int tracked;         /* of BY_HAND: whether the collector knew one of the operands when they were put in */
    double *seen;        /* the operands' numbers when the function was assigned, or NULL */
    Py_ssize_t n;
    PyObject *operands[]; /* Values, but for a number that belongs to the operation */
} Extra;

struct Value {
    PyObject_HEAD
    double data;
    union {
        double grad;
        Value *next; /* in the free list and in the queue of the dying */
    };
    /* The epoch of the last walk that came here, or when it was made; of a leaf, that in which its gradient was last written. See `epoch`
     * below. It stands beside the numbers, since an optimiser's step needs all three. */
    union {
        Mark mark;
        struct {
            uint64_t epoch : 48;
            uint64_t op : 8;
            uint64_t flags : 8;
        };
    };
    union {
        Value *a;
        Extra *extra;
        uint64_t seen; /* of a leaf: the epoch of the last walk that came here and wrote no gradients */
    };
    union {
        Value *b;
        double number; /* that belongs to the operation */
    };
    PyObject *attributes; /* NULL until the node gets a label or an attribute of the user's */
};

static PyTypeObject *value_type;

#define IS_EXACT(o) Py_IS_TYPE((PyObject *)(o), value_type)
#define IS_VALUE(o) (IS_EXACT(o) || PyType_IsSubtype(Py_TYPE(o), value_type))

/* Moves on with each walk through a graph and each assignment of a number. Wide enough: a million of them a second take nine years. A node
 * whose epoch is before the last assignment may hold a number that no longer follows from those of its operands. */
static uint64_t epoch, last_assignment;
#define LAST_EPOCH ((UINT64_C(1) << 48) - 1)
#define UNINITIALIZED LAST_EPOCH /* in place of an epoch, before `__init__` */
