/* Value as a C extension type: the same as value.py, to the last bit, but for speed and memory.
 *
 * value.py is the reference, and holds what both engines share, such as the methods that are seldom called; refusals.py has the texts of
 * errors. Operations that are not written out here are read from the table of primitives.py.
 *
 * Three things make it fast.
 *
 * - Python's cyclic garbage collector has nothing to scan. A node's operands are older than the node, so Values alone cannot form a
 *   cycle; what can is a hand-made `_backward`, an attribute of the user's, or `__init__` once more. A node is tracked by the collector
 *   from the moment it gets one of these, and so is every node made from a tracked one. What was made from it before is untracked; while
 *   there is such a node, each collection first tracks what leads to it (`look_around`, which says why that finds every cycle).
 * - A free list, and a queue of dying nodes, which also keeps the release of a deep graph from recursing.
 * - The walk marks nodes with the number of the walk (its epoch) instead of collecting them in a set.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if PY_VERSION_HEX < 0x030C0000
#include <structmember.h>
#define Py_T_PYSSIZET T_PYSSIZET
#define Py_READONLY READONLY
#endif

#if defined(__GNUC__) || defined(__clang__)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define PREFETCH(p) __builtin_prefetch((p), 1)
#define UNUSED __attribute__((unused))
#else
#define LIKELY(x) (x)
#define UNLIKELY(x) (x)
#define PREFETCH(p) ((void)0)
#define UNUSED
#endif

/* The order matters: see HAS_A, HAS_B, HAS_EXTRA. POWER_NUMBER is x ** 2, whose exponent is a number and no node. */
enum { LEAF, ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, POWER_NUMBER, NEGATIVE, RELU, TANH, EXP, LOG, SIGMOID, DOT, LARGEST, TAKE, ROW, BY_HAND, OPERATIONS };
#define HAS_A(v) ((v)->op >= ADD && (v)->op <= SIGMOID)
#define HAS_B(v) ((v)->op >= ADD && (v)->op <= POWER)
#define HAS_EXTRA(v) ((v)->op >= DOT)

/* flags: the cyclic collector knows this node; and all nodes that it depends on; it is a leaf that stands for a number of the program; the
 * collector has known it since it was made, or is to know it while nodes that were made from it before are not known: `look_around`; its
 * number may not be that of its operation, or was set: `follows`; its data was given as an int */
enum { TRACKED = 1, ALL_TRACKED = 2, CONSTANT = 4, BORN_TRACKED = 8, LATE = 16, SUSPECT = 32, SET = 64, WHOLE = 128 };

typedef struct Value Value;

/* The operands of a node that has other than one or two Values, and what makes up an operation that is not written out here. */
typedef struct Extra {
    struct Extra *next;  /* in the list of retired ones */
    PyObject *row;       /* of ROW: its primitive. Of BY_HAND: the primitive that computed the data, or NULL */
    PyObject *name;      /* of BY_HAND: the operation's name */
    PyObject *function;  /* of BY_HAND: the `_backward` that was assigned, or NULL */
    int takes_node;      /* whether it is called with the node, so that it need not hold it and close a cycle */
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
    union {
        Value *a;
        Extra *extra;
    };
    union {
        Value *b;
        double exponent;
        uint64_t written; /* of a leaf: the epoch in which its gradient was last written */
    };
    uint64_t epoch : 48; /* of the last walk that came here, or when it was made; see `epoch` below */
    uint64_t op : 8;
    uint64_t flags : 8;
    PyObject *attributes; /* NULL until the node gets a label or an attribute of the user's */
};

static PyTypeObject *value_type;
static PyObject *rows[OPERATIONS];                          /* of primitives.py, for the operations written out here */
static PyObject *by_hand_rule;                              /* value.BY_HAND */
static PyObject *reference;                                 /* the class value.Value */
static PyObject *real_function, *operation_name_function;   /* primitives.real, value.operation_name */
static PyObject *copy_function, *deep_copy_function, *reduce_function, *caution_of_cycle; /* of copies.py */
static PyObject *refuse_data, *stand_for, *refuse_child, *refuse_label, *refuse_backward, *refuse_root, *refuse_lengths; /* of refusals.py */
static PyObject *refuse_node, *refuse_numbers, *refuse_count;
static PyObject *report_change; /* of changes.py */
static PyObject *look_function; /* of conversions.py */
static PyObject *on_made, *on_sweep;                        /* what `watch` was given, or NULL */
static PyObject *arguments_function, *set_parents_function, *set_name_function; /* of by_hand.py */
static PyObject *whole_class;                               /* primitives.Whole */
static PyObject *warn_function;                             /* thrown_away.warn */
static PyObject *s_forward, *s_partials, *s_partial, *s_parametric, *s_each, *s_choices, *s_shown, *s_named, *s_label, *s_empty, *s_takes_node;

#define IS_EXACT(o) Py_IS_TYPE((PyObject *)(o), value_type)
#define IS_VALUE(o) (IS_EXACT(o) || PyType_IsSubtype(Py_TYPE(o), value_type))

/* Moves on with each walk through a graph and each assignment of a number. Wide enough: a million of them a second take nine years. A node
 * whose epoch is before the last assignment may hold a number that no longer follows from those of its operands. */
static uint64_t epoch, last_assignment;
#define LAST_EPOCH ((UINT64_C(1) << 48) - 1)
#define UNINITIALIZED LAST_EPOCH /* in place of an epoch, before `__init__` */

/* --- allocation ---------------------------------------------------------------------------------------------------------------- */

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
    if (LIKELY(v != NULL)) v->written = 0;
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
static PyObject *result_class_function; /* of kinds.py */

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
    v->written = 0;
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

/* Freeing a node never recurses into its operands: what dies is put into a queue, and the outermost call empties it. */
#if defined(_MSC_VER)
#define PER_THREAD __declspec(thread)
#else
#define PER_THREAD _Thread_local
#endif
static Value *dying;
static PER_THREAD int emptying; /* another thread may be in the middle of a finalizer, and is not waited for */

static inline void drop(PyObject *o) {
#if !defined(Py_REF_DEBUG) && !defined(Py_TRACE_REFS)
    if (Py_REFCNT(o) == 1 && IS_EXACT(o)) {
        Value *v = (Value *)o;
        if (UNLIKELY(v->flags & TRACKED)) untrack(v);
        v->next = dying;
        dying = v;
        return;
    }
    if (Py_REFCNT(o) == 1 && Py_TYPE(o)->tp_dealloc == light_dealloc) {
        light_dealloc(o);
        return;
    }
#endif
    Py_DECREF(o);
}

/* Operands that a dying instance of a subclass leaves behind: dropped by the outermost call, since Python may be in the middle of freeing
 * another instance, and its own guard against recursion does not fit every stack. */
static PyObject **orphans;
static size_t orphan_count, orphan_room;

static void drop_later(PyObject *o) {
    if (orphan_count == orphan_room) {
        size_t room = orphan_room ? 2 * orphan_room : 64;
        PyObject **grown = PyMem_RawRealloc(orphans, room * sizeof *grown);
        if (!grown) {
            drop(o);
            return;
        }
        orphans = grown;
        orphan_room = room;
    }
    orphans[orphan_count++] = o;
}

typedef void (*Dropper)(PyObject *);

static inline void free_extra(Extra *x, Dropper drop_operand) {
    for (Py_ssize_t i = 0; i < x->n; i++) drop_operand(x->operands[i]);
    Py_XDECREF(x->row);
    Py_XDECREF(x->name);
    Py_XDECREF(x->function);
    PyMem_Free(x->seen);
    PyMem_Free(x);
}

static inline void release(Value *v, Dropper drop_operand) {
    if (HAS_A(v)) {
        drop_operand((PyObject *)v->a);
        if (HAS_B(v)) drop_operand((PyObject *)v->b);
    } else if (HAS_EXTRA(v))
        free_extra(v->extra, drop_operand);
    if (UNLIKELY(v->attributes != NULL)) Py_DECREF(v->attributes);
}

static void empty_queue(void) {
    for (;;) {
        Value *v = dying;
        if (LIKELY(v != NULL)) {
            dying = v->next;
            release(v, drop);
            /* What can be part of a cycle is to be allocated: Python counts allocations to know when to collect. */
            const int keep = LIKELY(!(v->flags & LATE));
            PyTypeObject *type = Py_TYPE(v);
            if (UNLIKELY(type != value_type)) {
                Kind *kind = recent;
                for (int i = 0; i < KINDS && kind->type != type; i++) kind = &kinds[i];
                if (keep && kind->type == type && kind->count < CHAINRULE_FREE_NODES) {
                    v->next = kind->free;
                    kind->free = v;
                    kind->count++;
                } else
                    PyObject_GC_Del(v);
                Py_DECREF(type);
            } else if (keep && free_count < CHAINRULE_FREE_NODES) {
                v->next = free_list;
                free_list = v;
                free_count++;
            } else {
                PyObject_GC_Del(v);
                Py_DECREF(value_type);
            }
        } else if (orphan_count)
            drop(orphans[--orphan_count]);
        else
            return;
    }
}

/* Free one outside of a deallocation, with all that dies of it. */
static void discard(Extra *x) {
    int outermost = !emptying;
    emptying = 1;
    free_extra(x, drop);
    if (outermost) {
        empty_queue();
        emptying = 0;
    }
}

static void value_dealloc(PyObject *self) {
    Value *v = (Value *)self;
    PyTypeObject *type = Py_TYPE(self);
    int outermost = !emptying;
    emptying = 1;
    if (v->flags & TRACKED) untrack(v);
    else if (type != value_type) PyObject_GC_UnTrack(self);
    if (LIKELY(type == value_type)) {
        v->next = dying;
        dying = v;
    } else {
        release(v, drop_later);
        type->tp_free(self);
        Py_DECREF(type);
    }
    if (outermost) {
        empty_queue();
        emptying = 0;
    }
}

/* An object of a class that is light; or of one derived from it, whose own deallocation ends here. */
static void light_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Value *v = (Value *)self;
    if (UNLIKELY(type->tp_dealloc != light_dealloc)) {
        value_dealloc(self);
        return;
    }
    if (UNLIKELY(type->tp_finalize != NULL) && PyObject_CallFinalizerFromDealloc(self) < 0) return;
    if (UNLIKELY(v->flags & TRACKED)) untrack(v);
#if PY_VERSION_HEX < 0x030C0000
    if (WEAKLY_REFERENCED(type) && UNLIKELY(WEAK_LIST(v) != NULL)) PyObject_ClearWeakRefs(self);
#else
    if (WEAKLY_REFERENCED(type)) PyObject_ClearWeakRefs(self);
#endif
    int outermost = !emptying;
    emptying = 1;
    v->next = dying;
    dying = v;
    if (outermost) {
        empty_queue();
        emptying = 0;
    }
}

/* Operands that a node gives up while a walk or a sweep may still point at them are kept until it is over. */
static Py_ssize_t sweeping;
static Extra *retired;

static void retire(Extra *x) {
    if (!sweeping) {
        discard(x);
        return;
    }
    x->next = retired;
    retired = x;
}

static void end_of_sweep(void) {
    if (--sweeping) return;
    while (retired) {
        Extra *x = retired;
        retired = x->next;
        discard(x);
    }
}

static int value_traverse(PyObject *self, visitproc visit, void *arg) {
    Value *v = (Value *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(v->attributes);
    if (HAS_A(v)) {
        Py_VISIT(v->a);
        if (HAS_B(v)) Py_VISIT(v->b);
    } else if (HAS_EXTRA(v)) {
        Extra *x = v->extra;
        for (Py_ssize_t i = 0; i < x->n; i++) Py_VISIT(x->operands[i]);
        Py_VISIT(x->row);
        Py_VISIT(x->name);
        Py_VISIT(x->function);
    }
    return 0;
}

/* What is left is a leaf. */
static int value_clear(PyObject *self) {
    Value *v = (Value *)self;
    Py_CLEAR(v->attributes);
    Value *a = HAS_A(v) ? v->a : NULL, *b = HAS_B(v) ? v->b : NULL;
    Extra *x = HAS_EXTRA(v) ? v->extra : NULL;
    v->op = LEAF;
    if (x) retire(x);
    Py_XDECREF(a);
    Py_XDECREF(b);
    return 0;
}

/* --- gradients ----------------------------------------------------------------------------------------------------------------- */

/* What stands for None in `grad`: a nan that no arithmetic makes. */
#define NO_GRADIENT UINT64_C(0x7ff8c0de4e6f6e65)

static inline int is_none(double grad) {
    uint64_t bits;
    memcpy(&bits, &grad, sizeof bits);
    return UNLIKELY(bits == NO_GRADIENT);
}

static inline double none(void) {
    uint64_t bits = NO_GRADIENT;
    double grad;
    memcpy(&grad, &bits, sizeof grad);
    return grad;
}

static inline double or_zero(double grad) { return is_none(grad) ? 0.0 : grad; }

#define NEVER UINT64_MAX

/* What backward() throws away: gradients of parameters that the last call left, for another result, and nobody has read or set since. */
static int gradients_seen = 1;     /* whether one has been read or set since the last backward() */
static int is_told;                /* whether the last backward() threw some away, which was said then or before */
static Value *last_root;           /* of the last backward(), whose gradient is 1; may be gone, and another node in its place */
static uint64_t last_walk;         /* the epoch of its walk */
static unsigned long last_thread;  /* the thread that called it */
static uint64_t unread = NEVER;    /* the same while a walk looks for such gradients, which sets `thrown_away` */
static int thrown_away;

static inline void written_in(Value *v, uint64_t now) {
    gradients_seen = 1;
    if (v->op == LEAF) v->written = now;
}

/* --- numbers ------------------------------------------------------------------------------------------------------------------- */

static PyTypeObject *number_type; /* of the last object that `real` converted, which looks at nothing but the type: such as numpy.float64 */

/* What primitives.real makes of an object; the everyday types are converted here. Of a refused object, `number` keeps nothing. */
static int to_number(PyObject *o, double *number) {
    double converted;
    if (PyFloat_CheckExact(o)) {
        *number = PyFloat_AS_DOUBLE(o);
        return 0;
    }
    if (PyLong_CheckExact(o)) {
        converted = PyLong_AsDouble(o);
        if (converted != -1.0 || !PyErr_Occurred()) {
            *number = converted;
            return 0;
        }
        PyErr_Clear(); /* too large: `real` says so in its own words */
    }
    PyObject *answer = NULL;
    if (Py_TYPE(o) == number_type && !(answer = PyNumber_Float(o))) PyErr_Clear(); /* again, for `real` to say what is wrong */
    if (!answer && !(answer = PyObject_CallOneArg(real_function, o))) return -1;
    if (UNLIKELY(Py_TYPE(o) != number_type)) Py_XSETREF(number_type, (PyTypeObject *)Py_NewRef((PyObject *)Py_TYPE(o)));
    converted = PyFloat_AsDouble(answer);
    Py_DECREF(answer);
    if (converted == -1.0 && PyErr_Occurred()) return -1;
    *number = converted;
    return 0;
}

/* The same for an operand of an operator: 1 if it is a number, 0 if it is none, so that Python asks the other operand's type. */
static int to_number_if_any(PyObject *o, double *number) {
    if (to_number(o, number) == 0) return 1;
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
    PyErr_Clear();
    return 0;
}

/* The same for arithmetic. An array goes through it element by element, by its own operators; another of NumPy's scalars, such as a
 * complex one, is refused at once. */
static int to_operand_number(PyObject *o, double *number) {
    int found = to_number_if_any(o, number);
    if (found || !PyObject_HasAttrString(o, "__array__") || PyObject_HasAttrString((PyObject *)Py_TYPE(o), "__len__")) return found;
    return to_number(o, number);
}

static double ieee_divide(double a, double b) {
    if (UNLIKELY(b == 0.0)) return a == 0.0 || isnan(a) ? (double)NAN : copysign(HUGE_VAL, a) * copysign(1.0, b);
    return a / b;
}

static double ieee_log(double a) {
    if (LIKELY(a > 0.0)) return log(a);
    return isnan(a) ? a : a == 0.0 ? -HUGE_VAL : (double)NAN;
}

static double ieee_power(double a, double b) {
    double result = pow(a, b);
    return isnan(result) && !isnan(a) && !isnan(b) ? (double)NAN : result;
}

static double sigmoid(double a) {
    if (a >= 0.0) return 1.0 / (1.0 + exp(-a));
    double e = exp(a);
    return e / (1.0 + e);
}

static inline double unary_forward(int op, double a) {
    switch (op) {
    case NEGATIVE: return -a;
    case RELU: return a < 0.0 ? 0.0 : a;
    case TANH: return tanh(a);
    case EXP: return exp(a);
    case LOG: return ieee_log(a);
    default: return sigmoid(a);
    }
}

static inline double binary_forward(int op, double a, double b) {
    switch (op) {
    case ADD: return a + b;
    case SUBTRACT: return a - b;
    case MULTIPLY: return a * b;
    case DIVIDE: return ieee_divide(a, b);
    default: return ieee_power(a, b);
    }
}

/* The derivative of tanh, computed from the operand where 1 - t t would lose digits. */
static double tanh_slope(double a, double t) {
    if (LIKELY(-2.0 < a && a < 2.0)) return 1.0 - t * t;
    double e = exp(-2.0 * fabs(a));
    return 4.0 * e / ((1.0 + e) * (1.0 + e));
}

/* The same of the sigmoid, s (1 - s). */
static double sigmoid_slope(double a, double s) {
    if (LIKELY(a < 2.0)) return s * (1.0 - s);
    double e = exp(-fabs(a));
    return e / ((1.0 + e) * (1.0 + e));
}

/* --- the guard ----------------------------------------------------------------------------------------------------------------- */

static Py_ssize_t guards;            /* how many threads have one */
static PER_THREAD PyObject *on_look; /* what `guard` was given in this thread, or NULL */
static PER_THREAD PyObject *leaves;  /* the list of the leaves made meanwhile, or NULL */
#define GUARDED (UNLIKELY(guards != 0) && on_look != NULL)

static int ask_guard(PyObject *node, const char *what) {
    PyObject *function = Py_NewRef(on_look), *answer = PyObject_CallFunction(function, "Os", node, what);
    Py_DECREF(function);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

/* True, with an exception, if there is a guard and it does not let this happen. */
#define REFUSED(node, what) (GUARDED && ask_guard((PyObject *)(node), (what)) < 0)

/* The leaves that are made while there is a guard are listed. One for which there is no memory is taken for an older one. */
static inline void mark_leaf(Value *v) {
    if (GUARDED && leaves && PyList_Append(leaves, (PyObject *)v) < 0) PyErr_Clear();
}

/* --- building the graph -------------------------------------------------------------------------------------------------------- */

static PyObject *show(Value *v) {
    PyObject *function = Py_NewRef(on_made), *answer = PyObject_CallOneArg(function, (PyObject *)v);
    Py_DECREF(function);
    if (!answer) {
        Py_DECREF(v);
        return NULL;
    }
    Py_DECREF(answer);
    return (PyObject *)v;
}

static inline PyObject *made(Value *v) {
    return UNLIKELY(on_made != NULL) ? show(v) : (PyObject *)v;
}

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

static PyObject *power_number(Value *a, double exponent) {
    double data = ieee_power(a->data, exponent);
    Value *v = IS_EXACT(a) ? new_node(data, POWER_NUMBER) : new_result(a, a, data);
    if (!v) return NULL;
    Py_INCREF(a);
    v->a = a;
    v->exponent = exponent;
    v->op = POWER_NUMBER;
    if (a->flags & TRACKED) track_new(v);
    return made(v);
}

/* A Value as it is, a number as a new leaf. 1: *v is a new reference; 0: neither; -1: error. */
static inline int to_operand(PyObject *o, Value **v) {
    if (LIKELY(IS_EXACT(o)) || Py_IS_TYPE(o, recent->type)) {
        *v = (Value *)Py_NewRef(o);
        return 1;
    }
    double number;
    if (PyFloat_CheckExact(o))
        number = PyFloat_AS_DOUBLE(o);
    else if (IS_VALUE(o)) {
        *v = (Value *)Py_NewRef(o);
        return 1;
    } else {
        int found = to_operand_number(o, &number);
        if (found <= 0) return found;
    }
    *v = new_constant(number);
    return *v ? 1 : -1;
}

static inline PyObject *binary(PyObject *left, PyObject *right, int op) {
    Value *a, *b;
    int found = to_operand(left, &a);
    if (LIKELY(found > 0)) {
        found = to_operand(right, &b);
        if (LIKELY(found > 0)) return binary_node(op, a, b);
        Py_DECREF(a);
    }
    if (found < 0) return NULL;
    Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *value_add(PyObject *left, PyObject *right) { return binary(left, right, ADD); }
static PyObject *value_subtract(PyObject *left, PyObject *right) { return binary(left, right, SUBTRACT); }
static PyObject *value_multiply(PyObject *left, PyObject *right) { return binary(left, right, MULTIPLY); }
static PyObject *value_divide(PyObject *left, PyObject *right) { return binary(left, right, DIVIDE); }

static PyObject *value_power(PyObject *base, PyObject *exponent, PyObject *modulus) {
    if (modulus != Py_None) {
        if (!IS_VALUE(base)) Py_RETURN_NOTIMPLEMENTED;
        PyErr_SetString(PyExc_TypeError, "Value.__pow__() takes 2 positional arguments but 3 were given");
        return NULL;
    }
    if (!IS_VALUE(base) || IS_VALUE(exponent)) return binary(base, exponent, POWER);
    double number;
    int found = to_operand_number(exponent, &number);
    if (found < 0) return NULL;
    if (!found) Py_RETURN_NOTIMPLEMENTED;
    return power_number((Value *)base, number);
}

static PyObject *value_negative(PyObject *self) { return unary(self, NEGATIVE); }
static PyObject *value_positive(PyObject *self) { return Py_NewRef(self); }

static PyObject *apply(PyObject *row, PyObject *const *operands, Py_ssize_t n);

static PyObject *absolute_row, *zero_function; /* primitives.absolute, primitives.zero */
static PyObject *value_absolute(PyObject *self) { return apply(absolute_row, &self, 1); }

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

/* b + w1 x1 + w2 x2 + ... of interleaved operands. */
static double dot_forward(Value *const *nodes, Py_ssize_t n) {
    double total = n % 2 ? nodes[0]->data : 0.0;
    for (Py_ssize_t i = n % 2; i < n; i += 2) total += nodes[i]->data * nodes[i + 1]->data;
    return total;
}

/* The largest of the operands, or 0 if one of them is nan or the largest is infinite. */
static double largest_forward(Value *const *nodes, Py_ssize_t n) {
    double top = n ? nodes[0]->data : 0.0;
    int all_numbers = 1;
    for (Py_ssize_t i = 0; i < n; i++) {
        double data = nodes[i]->data;
        all_numbers &= data == data;
        if (data > top) top = data;
    }
    return all_numbers && isfinite(top) ? top : 0.0;
}

/* The position of the operand that the first one, an index counted from 0, is the number of; 0 if there is none. */
static Py_ssize_t taken(Value *const *nodes, Py_ssize_t n) {
    double index = nodes[0]->data;
    return 0.0 <= index && index < (double)(n - 1) && index == floor(index) ? (Py_ssize_t)index + 1 : 0;
}

static double take_forward(Value *const *nodes, Py_ssize_t n) {
    Py_ssize_t position = n ? taken(nodes, n) : 0;
    return position ? nodes[position]->data : (double)NAN;
}

/* DOT, LARGEST or TAKE. */
static PyObject *many_node(int op, PyObject *const *operands, Py_ssize_t n) {
    Value *v = node_of(op, operands, n, 0, NULL);
    if (!v) return NULL;
    Value *const *nodes = (Value **)v->extra->operands;
    v->data = op == DOT ? dot_forward(nodes, n) : op == LARGEST ? largest_forward(nodes, n) : take_forward(nodes, n);
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

/* The node for a row of the table and its operands, at least one of which is a Value. */
static PyObject *apply(PyObject *row, PyObject *const *operands, Py_ssize_t n) {
    int op = ADD;
    while (op <= TAKE && rows[op] != row) op++;
    if (op >= DOT && op <= TAKE) return many_node(op, operands, n);
    if (n == 1 && op > POWER_NUMBER && op <= SIGMOID && IS_VALUE(operands[0])) return unary(operands[0], op);
    if (n == 2 && op <= POWER) {
        double exponent;
        if (op == POWER && !IS_VALUE(operands[1]) && IS_VALUE(operands[0]))
            return to_number(operands[1], &exponent) < 0 ? NULL : power_number((Value *)operands[0], exponent);
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

/* A call that the C method does not take: the reference's own method, called in the same way, says what is wrong with it. */
static PyObject *wrong_call(const char *name, PyObject *self, PyObject *const *arguments, Py_ssize_t n, PyObject *keywords) {
    PyObject *method = PyObject_GetAttrString(reference, name), *answer = NULL;
    Py_ssize_t total = n + (keywords ? PyTuple_GET_SIZE(keywords) : 0);
    PyObject **all = PyMem_Calloc((size_t)total + 1, sizeof(PyObject *));
    if (!all) PyErr_NoMemory();
    if (method && all) {
        all[0] = self;
        for (Py_ssize_t i = 0; i < total; i++) all[i + 1] = arguments[i];
        answer = PyObject_Vectorcall(method, all, (size_t)n + 1, keywords);
        if (answer) PyErr_Format(PyExc_TypeError, "wrong arguments for Value.%s()", name);
    }
    Py_XDECREF(method);
    Py_XDECREF(answer);
    PyMem_Free(all);
    return NULL;
}

#define FUNCTION(name, op)                                                                                                   \
    static PyObject *value_##name(PyObject *self, PyObject *const *arguments, Py_ssize_t n, PyObject *keywords) {            \
        if (UNLIKELY(n || keywords)) return wrong_call(#name, self, arguments, n, keywords);                                 \
        return unary(self, op);                                                                                              \
    }
FUNCTION(exp, EXP)
FUNCTION(log, LOG)
FUNCTION(tanh, TANH)
FUNCTION(sigmoid, SIGMOID)
FUNCTION(relu, RELU)

/* --- dot ----------------------------------------------------------------------------------------------------------------------- */

static PyObject *dot_of(PyObject *weights, PyObject *inputs, PyObject *bias) {
    Py_ssize_t n = PySequence_Fast_GET_SIZE(weights), start = bias != NULL, total = 2 * n + start;
    PyObject *few[65], **operands = few, **w = PySequence_Fast_ITEMS(weights), **x = PySequence_Fast_ITEMS(inputs);
    if (total > (Py_ssize_t)(sizeof few / sizeof few[0])) {
        operands = (size_t)total > PY_SSIZE_T_MAX / sizeof(PyObject *) ? NULL : PyMem_Malloc((size_t)total * sizeof(PyObject *));
        if (!operands) return PyErr_NoMemory();
    }
    int any = bias && IS_VALUE(bias), all = !bias || IS_EXACT(bias);
    if (bias) operands[0] = bias;
    for (Py_ssize_t i = 0; i < n; i++) {
        operands[start + 2 * i] = w[i];
        operands[start + 2 * i + 1] = x[i];
        all &= IS_EXACT(w[i]) & IS_EXACT(x[i]);
    }
    if (all) any |= n > 0;
    for (Py_ssize_t i = start; i < total && !any; i++) any = IS_VALUE(operands[i]);
    PyObject *result;
    if (all && any)
        result = many_node(DOT, operands, total);
    else {
        /* Converting numbers can run code of the user's, which could change the lists: hold on to what was in them.
         * Without a Value the row decides: floats give a float, and anything else is refused or knows what to do. */
        for (Py_ssize_t i = 0; i < total; i++) Py_INCREF(operands[i]);
        result = any ? many_node(DOT, operands, total) : PyObject_Vectorcall(rows[DOT], operands, (size_t)total, NULL);
        for (Py_ssize_t i = 0; i < total; i++) Py_DECREF(operands[i]);
    }
    if (operands != few) PyMem_Free(operands);
    return result;
}

static PyObject *reference_dot;

static PyObject *module_dot(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    static const char *const names[] = {"weights", "inputs", "bias"};
    PyObject *got[3] = {NULL, NULL, NULL};
    Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    int fits = count <= 3;
    for (Py_ssize_t i = 0; fits && i < count; i++) got[i] = arguments[i];
    for (Py_ssize_t k = 0; fits && k < named; k++) {
        int i = 0;
        while (i < 3 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, k), names[i])) i++;
        if (i < 3 && !got[i]) got[i] = arguments[count + k];
        else fits = 0;
    }
    if (!fits || !got[0] || !got[1]) return PyObject_Vectorcall(reference_dot, arguments, (size_t)count, keywords); /* says what is wrong */
    /* Going through `inputs` may run code of the user's that changes the list of weights. */
    int plain = PyList_CheckExact(got[1]) || PyTuple_CheckExact(got[1]);
    PyObject *weights = plain && (PyList_CheckExact(got[0]) || PyTuple_CheckExact(got[0])) ? Py_NewRef(got[0]) : PySequence_List(got[0]);
    if (!weights) return NULL;
    PyObject *inputs = plain ? Py_NewRef(got[1]) : PySequence_List(got[1]);
    PyObject *result = NULL;
    if (inputs) {
        Py_ssize_t m = PySequence_Fast_GET_SIZE(weights), n = PySequence_Fast_GET_SIZE(inputs);
        result = m == n ? dot_of(weights, inputs, got[2] == Py_None ? NULL : got[2]) : PyObject_CallFunction(refuse_lengths, "nn", m, n);
    }
    Py_DECREF(weights);
    Py_XDECREF(inputs);
    return result;
}

/* --- the chain rule ------------------------------------------------------------------------------------------------------------ */

/* In a sweep, the gradient of an operation's node begins as -0.0: nothing has been passed to it, since only a condition looks at it or a
 * choice left it out, and it will pass nothing on. That is more than to pass on 0.0, which times an infinite derivative would be nan. What
 * is passed is added in a way that never leaves -0.0 behind; `grad` alone can be added as it is, since it is not nothing. */
#define NOTHING (-0.0)
#define GIVE(node, share) ((node)->grad += (share) + 0.0)

static inline int is_nothing(double grad) {
    uint64_t bits; /* one comparison, where grad == 0.0 && signbit(grad) takes three */
    memcpy(&bits, &grad, sizeof bits);
    return bits == UINT64_C(1) << 63;
}
#define IS_NOTHING(grad) UNLIKELY(is_nothing(grad))

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

/* d (a ** b) / d b; see the row of the power in primitives.py. */
static double power_in_exponent(double a, double b, double out) {
    return out * (a == 0.0 && !(0.0 > b) ? 0.0 : ieee_log(a));
}

static double power_in_base(double a, double b) {
    return b == 0.0 ? 0.0 : b * ieee_power(a, b - 1.0);
}

/* Add a node's share to its operands' gradients. The operations that run code of the user's come last. */
static inline int push(Value *v) {
    double grad = v->grad;
    Value *a = v->a;
    switch (v->op) {
    case LEAF: return 0;
    case ADD:
        a->grad += grad;
        v->b->grad += grad;
        return 0;
    case SUBTRACT:
        a->grad += grad;
        GIVE(v->b, -1.0 * grad);
        return 0;
    case MULTIPLY: {
        Value *b = v->b;
        GIVE(a, b->data * grad);
        GIVE(b, a->data * grad);
        return 0;
    }
    case DIVIDE: {
        Value *b = v->b;
        double in_b = -ieee_divide(v->data, b->data);
        GIVE(a, ieee_divide(1.0, b->data) * grad);
        GIVE(b, in_b * grad);
        return 0;
    }
    case POWER: {
        Value *b = v->b;
        double in_a = power_in_base(a->data, b->data), in_b = power_in_exponent(a->data, b->data, v->data);
        GIVE(a, in_a * grad);
        GIVE(b, in_b * grad);
        return 0;
    }
    case POWER_NUMBER: GIVE(a, power_in_base(a->data, v->exponent) * grad); return 0;
    case NEGATIVE: GIVE(a, -1.0 * grad); return 0;
    case RELU: a->grad += v->data > 0.0 ? grad : NOTHING; return 0;
    case TANH: GIVE(a, tanh_slope(a->data, v->data) * grad); return 0;
    case EXP: GIVE(a, v->data * grad); return 0;
    case LOG: GIVE(a, ieee_divide(1.0, a->data) * grad); return 0;
    case SIGMOID: GIVE(a, sigmoid_slope(a->data, v->data) * grad); return 0;
    case DOT: push_dot(v); return 0;
    case LARGEST: return 0;
    case TAKE: push_take(v); return 0;
    case ROW: return push_row(v);
    default: return push_by_hand(v);
    }
}

/* By hand, one node after another: its operands get the gradient, which counts as an assignment to them. */
static PyObject *value_push(PyObject *self, PyObject *nothing UNUSED) {
    Value *v = (Value *)self;
    uint64_t now = ++epoch;
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

/* Let the cyclic collector know a node and all that it depends on. Without memory for it, a cycle may stay uncollected: no more. */
static void track_all(Value *root) {
    Nodes stack = {NULL, 0, 0, 0};
    if (HAS_ROOM(stack, 1)) stack.items[stack.n++] = root;
    while (stack.n) {
        Value *v = stack.items[--stack.n];
        if (v->flags & ALL_TRACKED) continue;
        track(v);
        v->flags |= ALL_TRACKED;
        size_t n = HAS_EXTRA(v) ? (size_t)v->extra->n : 2;
        if (!HAS_ROOM(stack, n)) break;
        if (HAS_A(v)) {
            stack.items[stack.n++] = v->a;
            if (HAS_B(v)) stack.items[stack.n++] = v->b;
        } else if (HAS_EXTRA(v))
            for (size_t i = 0; i < n; i++)
                if (IS_VALUE(v->extra->operands[i])) stack.items[stack.n++] = (Value *)v->extra->operands[i];
    }
    if (PyErr_Occurred()) PyErr_Clear();
    PyMem_RawFree(stack.items);
}

/* Track a result that something refers to which the collector knows, with all that it depends on. */
static int track_found(PyObject *o, void *nothing UNUSED) {
    if (IS_VALUE(o) && ((Value *)o)->op != LEAF) track_all((Value *)o);
    return 0;
}

/* What Python calls before and after each of its collections: see `gc.callbacks`.
 *
 * A cycle that the collector cannot see has an untracked node in it. From there it goes along operands to a node whose attributes, function
 * or new operands lead on: no operand is younger than its node, so there is one. That node is tracked, but was not yet when the untracked
 * one was made, or that would be tracked too: so it is LATE. And into the untracked nodes the cycle comes from something that is tracked.
 * So while there are LATE nodes, we look at all that the collection is going to look at, and track the results that it refers to. */
static PyObject *look_around(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t n) {
    if (!late_count || n != 2 || !PyUnicode_Check(arguments[0]) || PyUnicode_CompareWithASCIIString(arguments[0], "start")) Py_RETURN_NONE;
    static unsigned int partial_collections;
    PyObject *generation = PyDict_Check(arguments[1]) ? PyDict_GetItemString(arguments[1], "generation") : NULL;
    long last = generation ? PyLong_AsLong(generation) : 2;
    if (PY_VERSION_HEX >= 0x030E0000 && last < 2) /* there, a collection is of the youngest and of some of the others */
        last = ++partial_collections % 64 ? 0 : 2;
    PyObject *gc = PyImport_ImportModule("gc");
    for (long i = 0; gc && i <= last; i++) {
        PyObject *objects = last == 2 ? PyObject_CallMethod(gc, "get_objects", NULL) : PyObject_CallMethod(gc, "get_objects", "l", i);
        for (Py_ssize_t k = 0; objects && k < PyList_GET_SIZE(objects); k++) {
            PyObject *o = PyList_GET_ITEM(objects, k);
            Py_TYPE(o)->tp_traverse(o, track_found, NULL);
        }
        Py_XDECREF(objects);
        if (last == 2 || !objects) break;
    }
    Py_XDECREF(gc);
    PyErr_Clear(); /* without memory for it, a cycle stays until the next collection */
    Py_RETURN_NONE;
}

static PyMethodDef look_around_definition = {"look_around", (PyCFunction)(void (*)(void))look_around, METH_FASTCALL, NULL};

/* Have `look_around` called; done once, when it is first needed. */
static void heed_collections(void) {
    static PyObject *function;
    if (function) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *gc = PyImport_ImportModule("gc"), *callbacks = gc ? PyObject_GetAttrString(gc, "callbacks") : NULL;
    if (callbacks && (function = PyCFunction_New(&look_around_definition, NULL)) && PyList_Check(callbacks) && PyList_Append(callbacks, function) < 0)
        Py_CLEAR(function);
    Py_XDECREF(callbacks);
    Py_XDECREF(gc);
    PyErr_Restore(type, value, traceback);
}

static int is_operand(Value *v, PyObject *o) {
    if (HAS_A(v)) return o == (PyObject *)v->a || (HAS_B(v) && o == (PyObject *)v->b);
    for (Py_ssize_t i = 0; HAS_EXTRA(v) && i < v->extra->n; i++)
        if (v->extra->operands[i] == o) return 1;
    return 0;
}

/* Track what an object leads to that `v` is going to hold: a Value, or a list, tuple or dict of them. What is older than `v` cannot lead
 * back to it, which is sure of itself and its operands. */
static void track_led_to(Value *v, PyObject *o) {
    if (IS_VALUE(o)) {
        if (o != (PyObject *)v && !is_operand(v, o)) track_all((Value *)o);
    } else if (PyList_CheckExact(o) || PyTuple_CheckExact(o)) {
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); i++)
            if (IS_VALUE(PySequence_Fast_GET_ITEM(o, i))) track_led_to(v, PySequence_Fast_GET_ITEM(o, i));
    } else if (PyDict_CheckExact(o)) {
        PyObject *key, *value;
        for (Py_ssize_t place = 0; PyDict_Next(o, &place, &key, &value);)
            if (IS_VALUE(value)) track_led_to(v, value);
    }
}

/* The same for a function: what its closure and its defaults hold. */
static void track_function(Value *v, PyObject *function) {
    if (!PyFunction_Check(function)) return;
    PyObject *closure = PyFunction_GetClosure(function), *defaults = PyFunction_GetDefaults(function);
    for (Py_ssize_t i = 0; closure && PyTuple_Check(closure) && i < PyTuple_GET_SIZE(closure); i++) {
        PyObject *content = PyCell_Get(PyTuple_GET_ITEM(closure, i));
        if (content) track_led_to(v, content);
        Py_XDECREF(content);
    }
    if (defaults && PyTuple_CheckExact(defaults)) track_led_to(v, defaults);
}

#define SIGNALS_EVERY 65536

enum { EVERY_NODE = 1, ZERO = 2 };

static inline void zero_leaf(Value *v, uint64_t now) {
    if (UNLIKELY(v->written >= unread) && !(v->flags & CONSTANT) && v->grad != 0.0) thrown_away = 1;
    v->grad = 0.0;
    v->written = now;
}

/* Collect the nodes that the roots depend on, each after its operands: all of them, or without the leaves, which have nothing to push.
 * With ZERO, set their gradients to zero on the way. `leaves`, if given, gets the leaves. */
static int walk_once(Value *const *roots, size_t count, Nodes *order, Nodes *stack, Nodes *leaves, int how, int heed_signals) {
    if (epoch + 2 >= LAST_EPOCH) epoch = 0;
    const uint64_t now = epoch + 1, since = last_assignment;
    epoch = now + 1; /* of what is made meanwhile */
    size_t steps = 0;
    int tracked = 0, zero = how & ZERO, every = how & EVERY_NODE;
    order->n = stack->n = 0;
    if (leaves) leaves->n = 0;
    if (!HAS_ROOM(*stack, count)) return -1;
    while (count-- > 0) stack->items[stack->n++] = roots[count];
#define VISIT(parent)                                                           \
    do {                                                                        \
        Value *p = (parent);                                                    \
        if (p->epoch == now) break;                                             \
        if (p->op == LEAF && !every && !leaves) {                               \
            p->epoch = now;                                                     \
            if (LIKELY(zero)) zero_leaf(p, now);                                \
            tracked |= p->flags;                                                \
        } else                                                                  \
            stack->items[stack->n++] = p;                                       \
    } while (0)
    while (stack->n) {
        uintptr_t top = (uintptr_t)stack->items[--stack->n];
        if (top & 1) { /* the node's operands are done */
            if (!HAS_ROOM(*order, 1)) return -1;
            order->items[order->n++] = (Value *)(top - 1);
            continue;
        }
        Value *v = (Value *)top;
        if (v->epoch == now) continue;
        if (UNLIKELY(++steps % SIGNALS_EVERY == 0) && heed_signals) {
            if (PyErr_CheckSignals() < 0) return -1;
            if (epoch != now + 1) return 1; /* a signal handler walked through a graph and wrote its own marks */
        }
        const uint64_t stamp = v->epoch;
        v->epoch = now;
        if (v->op == LEAF) {
            tracked |= v->flags;
            if (zero) zero_leaf(v, now);
            Nodes *into = every ? order : leaves;
            if (into) {
                if (!HAS_ROOM(*into, 1)) return -1;
                into->items[into->n++] = v;
            }
            continue;
        }
        if (zero) v->grad = NOTHING;
        tracked |= v->flags |= stamp < since ? SUSPECT : 0;
        size_t n = HAS_EXTRA(v) ? (size_t)v->extra->n : 2;
        if (!HAS_ROOM(*stack, n + 1)) return -1;
        stack->items[stack->n++] = (Value *)(top | 1);
        if (LIKELY(HAS_A(v))) {
            if (HAS_B(v)) VISIT(v->b);
            VISIT(v->a);
        } else {
            PyObject **operands = v->extra->operands;
            while (n-- > 0)
                if (LIKELY(IS_EXACT(operands[n])) || IS_VALUE(operands[n])) VISIT((Value *)operands[n]);
        }
    }
#undef VISIT
    if (UNLIKELY(tracked & TRACKED)) /* a `_backward` may have come after nodes that depend on it: they can be part of a cycle too */
        for (size_t i = 0; i < order->n; i++) {
            Value *v = order->items[i];
            int any = v->flags;
            if (HAS_A(v)) {
                any |= v->a->flags;
                if (HAS_B(v)) any |= v->b->flags;
            } else if (HAS_EXTRA(v))
                for (Py_ssize_t k = 0; k < v->extra->n; k++)
                    if (IS_VALUE(v->extra->operands[k])) any |= ((Value *)v->extra->operands[k])->flags;
            if (any & TRACKED) track(v);
        }
    order->flags = tracked;
    return 0;
}

static int walk(Value *const *roots, size_t count, Nodes *order, Nodes *leaves, int how) {
    Nodes stack = take_kept(&kept_stack);
    int result = 1;
    for (int tries = 0; result > 0; tries++) result = walk_once(roots, count, order, &stack, leaves, how, tries < 3);
    keep(&kept_stack, stack);
    return result;
}

static PyObject *as_list(const Nodes *nodes) {
    PyObject *list = PyList_New((Py_ssize_t)nodes->n);
    if (list)
        for (size_t i = 0; i < nodes->n; i++) PyList_SET_ITEM(list, (Py_ssize_t)i, Py_NewRef((PyObject *)nodes->items[i]));
    return list;
}

/* What has been passed nothing has the gradient 0 for whoever looks at it. */
static int zero_the_rest(const Nodes *order, size_t count, int result) {
    for (size_t i = 0; i < count; i++)
        if (IS_NOTHING(order->items[i]->grad)) order->items[i]->grad = 0.0;
    return result;
}

/* --- numbers that were changed -------------------------------------------------------------------------------------------------- */

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
    else if (v->op == POWER_NUMBER) *number = ieee_power(v->a->data, v->exponent);
    else if (HAS_A(v)) *number = unary_forward(v->op, v->a->data);
    else if (v->op == DOT) *number = dot_forward((Value **)v->extra->operands, v->extra->n);
    else if (v->op == LARGEST) *number = largest_forward((Value **)v->extra->operands, v->extra->n);
    else if (v->op == TAKE) *number = take_forward((Value **)v->extra->operands, v->extra->n);
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
    if (list && (walk((Value **)&root, 1, &order, NULL, EVERY_NODE) < 0 || (order.flags & SUSPECT && list_changed(&order, list) < 0))) Py_CLEAR(list);
    end_of_sweep();
    PyMem_RawFree(order.items);
    return list;
}

/* --- the sweep ----------------------------------------------------------------------------------------------------------------- */

static int sweep(const Nodes *order) {
    for (size_t i = order->n; i-- > 0;) {
#define AHEAD 12
        if (i >= AHEAD) PREFETCH(order->items[i - AHEAD]);
        Value *v = order->items[i];
        if (IS_NOTHING(v->grad)) {
            v->grad = 0.0;
            continue;
        }
        if (push(v) < 0) return zero_the_rest(order, i, -1);
        if (UNLIKELY(i % SIGNALS_EVERY == SIGNALS_EVERY - 1) && PyErr_CheckSignals() < 0) return zero_the_rest(order, i, -1);
    }
    return 0;
}

/* The sweep that `watch` asked for. */
static int watched_sweep(const Nodes *order) {
    PyObject *function = Py_NewRef(on_sweep), *list = as_list(order), *answer = list ? PyObject_CallOneArg(function, list) : NULL;
    Py_DECREF(function);
    Py_XDECREF(list);
    Py_XDECREF(answer);
    return zero_the_rest(order, order->n, answer ? 0 : -1);
}

/* What is remembered of a call of backward() at its end; then say if it threw gradients away. 0, or -1 with an exception. */
static int remember(Value *root, uint64_t walked) {
    int lost = thrown_away && !is_told;
    is_told = thrown_away;
    thrown_away = gradients_seen = 0;
    last_root = root;
    last_thread = PyThread_get_thread_ident();
    last_walk = walked;
    if (!lost) return 0;
    PyObject *answer = PyObject_CallNoArgs(warn_function);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

static int backward(Value *root) {
    Nodes order = take_kept(&kept_order);
    if (gradients_seen) is_told = 0;
    else if (!(root == last_root && root->grad == 1.0) && last_thread == PyThread_get_thread_ident()) unread = last_walk;
    int result = walk(&root, 1, &order, NULL, ZERO);
    const uint64_t walked = epoch - 1;
    unread = NEVER;
    if (result == 0 && UNLIKELY(order.flags & SUSPECT) && refuse_changed(root, &order) < 0) result = zero_the_rest(&order, order.n, -1);
    if (result == 0) {
        root->grad = 1.0;
        result = UNLIKELY(on_sweep != NULL) ? watched_sweep(&order) : sweep(&order);
    }
    keep(&kept_order, order);
    return result == 0 ? remember(root, walked) : result;
}

/* As in micrograd: nothing is zeroed, and every gradient on the way is added to. */
static int backward_adding(Value *root) {
    Nodes order = {NULL, 0, 0, 0}, leaves = {NULL, 0, 0, 0};
    int result = walk(&root, 1, &order, &leaves, 0);
    if (result == 0 && UNLIKELY(order.flags & SUSPECT)) result = refuse_changed(root, &order);
    if (result == 0) {
        for (size_t i = 0; i < order.n; i++) order.items[i]->grad = or_zero(order.items[i]->grad) + 0.0;
        for (size_t i = 0; i < leaves.n; i++) {
            leaves.items[i]->grad = or_zero(leaves.items[i]->grad);
            leaves.items[i]->written = epoch;
        }
        root->grad = 1.0;
        result = UNLIKELY(on_sweep != NULL) ? watched_sweep(&order) : sweep(&order);
    }
    PyMem_RawFree(order.items);
    PyMem_RawFree(leaves.items);
    gradients_seen = 1;
    return result;
}

static int backward_accumulating(Value *root) {
    Nodes order = {NULL, 0, 0, 0}, leaves = {NULL, 0, 0, 0};
    double *before = NULL;
    int result = walk(&root, 1, &order, &leaves, 0);
    const uint64_t walked = epoch - 1;
    if (result == 0 && UNLIKELY(order.flags & SUSPECT)) result = refuse_changed(root, &order);
    if (result == 0 && !(before = PyMem_RawMalloc((leaves.n + 1) * sizeof(double)))) {
        PyErr_NoMemory();
        result = -1;
    }
    if (result == 0) {
        for (size_t i = 0; i < leaves.n; i++) {
            before[i] = leaves.items[i]->grad;
            leaves.items[i]->grad = 0.0;
            leaves.items[i]->written = walked;
        }
        for (size_t i = 0; i < order.n; i++) order.items[i]->grad = NOTHING;
        root->grad = 1.0;
        result = UNLIKELY(on_sweep != NULL) ? watched_sweep(&order) : sweep(&order);
        for (size_t i = 0; i < leaves.n; i++) leaves.items[i]->grad = result == 0 ? or_zero(before[i]) + leaves.items[i]->grad : before[i];
    }
    PyMem_RawFree(order.items);
    PyMem_RawFree(leaves.items);
    PyMem_RawFree(before);
    return result == 0 ? remember(root, walked) : result;
}

static PyObject *value_backward(PyObject *self, PyObject *const *arguments, Py_ssize_t n, PyObject *keywords) {
    int accumulate = 0;
    Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    if (UNLIKELY(n || named > 1 || (named && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, 0), "accumulate"))))
        return wrong_call("backward", self, arguments, n, keywords);
    if (named && (accumulate = PyObject_IsTrue(arguments[0])) < 0) return NULL;
    if (REFUSED(self, "backward")) return NULL;
    sweeping++;
    int result = accumulate ? backward_accumulating((Value *)self) : backward((Value *)self);
    end_of_sweep();
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *value_add_up(PyObject *self, PyObject *nothing UNUSED) {
    if (REFUSED(self, "backward")) return NULL;
    sweeping++;
    int result = backward_adding((Value *)self);
    end_of_sweep();
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *module_topological_order(PyObject *module UNUSED, PyObject *root) {
    if (!IS_VALUE(root)) return PyObject_CallOneArg(refuse_root, root);
    Nodes order = {NULL, 0, 0, 0};
    sweeping++;
    PyObject *list = walk((Value **)&root, 1, &order, NULL, EVERY_NODE) < 0 ? NULL : as_list(&order);
    end_of_sweep();
    PyMem_RawFree(order.items);
    return list;
}

/* --- what a node holds --------------------------------------------------------------------------------------------------------- */

/* The words of Python's own `property`. */
static int not_settable(PyObject *self, const char *name, const char *what) {
    PyObject *type_name = PyType_GetQualName(Py_TYPE(self));
    if (type_name) PyErr_Format(PyExc_AttributeError, "property '%s' of %R object has no %s", name, type_name, what);
    Py_XDECREF(type_name);
    return -1;
}

static int set_nothing(PyObject *self, PyObject *value, void *name) {
    return not_settable(self, name, value ? "setter" : "deleter");
}

static PyObject *get_bare_data(PyObject *self, void *closure UNUSED) { return PyFloat_FromDouble(((Value *)self)->data); }
static PyObject *get_grad(PyObject *self, void *closure UNUSED) {
    double grad = ((Value *)self)->grad;
    gradients_seen = 1;
    if (is_none(grad)) Py_RETURN_NONE;
    return PyFloat_FromDouble(UNLIKELY(sweeping > 0) ? grad + 0.0 : grad); /* nothing is 0 to Python */
}
static PyObject *get_data(PyObject *self, void *closure) {
    if (REFUSED(self, "data")) return NULL;
    PyObject *number = get_bare_data(self, closure);
    if (LIKELY(!(((Value *)self)->flags & WHOLE)) || !number) return number;
    PyObject *whole = PyObject_CallOneArg(whole_class, number);
    Py_DECREF(number);
    return whole;
}

static int set_data(PyObject *self, PyObject *value, void *name) {
    if (!value) return not_settable(self, name, "deleter");
    if (REFUSED(self, "data=")) return -1;
    Value *v = (Value *)self;
    double data;
    if (to_number(value, &data) < 0) return -1;
    assign(v, data);
    v->flags &= ~WHOLE;
    if (UNLIKELY(Py_IS_TYPE(value, (PyTypeObject *)whole_class))) v->flags |= WHOLE;
    return 0;
}
static int set_grad(PyObject *self, PyObject *value, void *name) {
    if (!value) return not_settable(self, name, "deleter");
    if (REFUSED(self, "grad=")) return -1;
    Value *v = (Value *)self;
    double grad = none();
    if (value != Py_None && to_number(value, &grad) < 0) return -1;
    v->grad = UNLIKELY(sweeping > 0) ? grad + 0.0 : grad; /* not what stands for nothing */
    written_in(v, ++epoch);
    return 0;
}

static PyObject *get_label(PyObject *self, void *closure UNUSED) {
    PyObject *attributes = Py_XNewRef(((Value *)self)->attributes); /* comparing keys may run code of the user's */
    PyObject *label = attributes ? Py_XNewRef(PyDict_GetItemWithError(attributes, s_label)) : NULL;
    Py_XDECREF(attributes);
    if (label) return label;
    return PyErr_Occurred() ? NULL : Py_NewRef(s_empty);
}

static int set_label(PyObject *self, PyObject *text, void *name) {
    if (!text) return not_settable(self, name, "deleter");
    if (!PyUnicode_Check(text)) {
        Py_XDECREF(PyObject_CallOneArg(refuse_label, text));
        return -1;
    }
    return PyObject_GenericSetAttr(self, s_label, text);
}

static PyObject *operands_of(Value *v, int numbers) {
    if (v->op == LEAF) return PyTuple_New(0);
    if (HAS_B(v)) return PyTuple_Pack(2, v->a, v->b);
    if (v->op == POWER_NUMBER && numbers) {
        PyObject *exponent = PyFloat_FromDouble(v->exponent), *pair = exponent ? PyTuple_Pack(2, v->a, exponent) : NULL;
        Py_XDECREF(exponent);
        return pair;
    }
    if (HAS_A(v)) return PyTuple_Pack(1, v->a);
    Extra *x = v->extra;
    Py_ssize_t n = 0;
    for (Py_ssize_t i = 0; i < x->n; i++) n += numbers || IS_VALUE(x->operands[i]);
    PyObject *operands = PyTuple_New(n);
    if (operands) {
        n = 0;
        for (Py_ssize_t i = 0; i < x->n; i++)
            if (numbers || IS_VALUE(x->operands[i])) PyTuple_SET_ITEM(operands, n++, Py_NewRef(x->operands[i]));
    }
    return operands;
}

/* Making a tuple may start the cyclic collector, and so a finalizer that gives the node other operands: they are kept until we are done. */
static PyObject *kept_operands_of(PyObject *self, int numbers) {
    sweeping++;
    PyObject *operands = operands_of((Value *)self, numbers);
    end_of_sweep();
    return operands;
}

static PyObject *get_operands(PyObject *self, void *closure UNUSED) { return kept_operands_of(self, 1); }
static PyObject *get_prev(PyObject *self, void *closure UNUSED) { return kept_operands_of(self, 0); }

/* The row of the table that a node's operation is; borrowed. */
static PyObject *row_of(Value *v) {
    if (v->op == LEAF) return Py_None;
    return v->op >= ROW ? (v->extra->row ? v->extra->row : Py_None) : rows[v->op];
}

static PyObject *get_primitive(PyObject *self, void *closure UNUSED) { return Py_NewRef(row_of((Value *)self)); }

static PyObject *get_rule(PyObject *self, void *closure UNUSED) {
    return Py_NewRef(((Value *)self)->op == BY_HAND ? by_hand_rule : row_of((Value *)self));
}

static PyObject *get_function(PyObject *self, void *closure UNUSED) {
    Value *v = (Value *)self;
    return Py_NewRef(v->op == BY_HAND && v->extra->function ? v->extra->function : Py_None);
}

static PyObject *get_op(PyObject *self, void *closure UNUSED) {
    Value *v = (Value *)self;
    if (UNLIKELY(v->attributes != NULL)) { /* another name may have been assigned; comparing keys may run code of the user's */
        PyObject *attributes = Py_NewRef(v->attributes), *named = Py_XNewRef(PyDict_GetItemWithError(attributes, s_named));
        Py_DECREF(attributes);
        if (named || PyErr_Occurred()) return named;
    }
    if (v->op == LEAF) return Py_NewRef(s_empty);
    if (v->op == BY_HAND) return Py_NewRef(v->extra->name ? v->extra->name : s_empty);
    PyObject *row = row_of(v);
    if (v->op != POWER_NUMBER && v->op != ROW) return PyObject_GetAttr(row, s_shown);
    PyObject *parametric = PyObject_GetAttr(row, s_parametric);
    int is_parametric = parametric ? PyObject_IsTrue(parametric) : -1;
    Py_XDECREF(parametric);
    if (is_parametric < 0) return NULL;
    if (!is_parametric) return PyObject_GetAttr(row, s_shown);
    PyObject *operands = kept_operands_of(self, 1), *name = operands ? PyObject_CallFunctionObjArgs(operation_name_function, row, operands, NULL) : NULL;
    Py_XDECREF(operands);
    return name;
}

static PyMethodDef push_definition = {"_backward", value_push, METH_NOARGS, NULL};

static PyObject *get_backward(PyObject *self, void *closure UNUSED) {
    Value *v = (Value *)self;
    if (v->op == BY_HAND && v->extra->function && !v->extra->takes_node) return Py_NewRef(v->extra->function);
    return PyCFunction_New(&push_definition, self);
}

/* Give a node another operation and operands; 0, or -1 with an exception and nothing changed. */
static int become(Value *v, int op, Extra *extra) {
    Extra *old = NULL;
    if (HAS_EXTRA(v))
        old = v->extra;
    else if (HAS_A(v)) {
        if (!(old = new_extra(2))) return -1;
        old->operands[old->n++] = (PyObject *)v->a;
        if (HAS_B(v)) old->operands[old->n++] = (PyObject *)v->b;
    }
    v->op = (unsigned char)op;
    v->extra = extra;
    if (op != LEAF) v->flags &= ~CONSTANT;
    else v->written = 0;
    if (old) retire(old);
    return 0;
}

static Extra *by_hand_extra(PyObject *children, PyObject *op);

/* Whether a function's class says that it is to be called with the node. */
static int takes_node(PyObject *function) {
    PyObject *answer = PyObject_GetAttr((PyObject *)Py_TYPE(function), s_takes_node);
    if (!answer) PyErr_Clear();
    int yes = answer == Py_True;
    Py_XDECREF(answer);
    return yes;
}

static int set_op(PyObject *self, PyObject *text, void *name) {
    if (!text) return not_settable(self, name, "deleter");
    PyObject *answer = PyObject_CallFunctionObjArgs(set_name_function, self, text, NULL);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

static int set_prev(PyObject *self, PyObject *parents, void *name) {
    if (!parents) return not_settable(self, name, "deleter");
    if (REFUSED(self, "_prev=")) return -1;
    PyObject *answer = PyObject_CallFunctionObjArgs(set_parents_function, self, parents, NULL);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

/* Be an operation made by hand, with these parents, this name and this `_backward` or None; or a leaf, if there is none of them. */
static PyObject *value_become(PyObject *self, PyObject *const *arguments, Py_ssize_t n) {
    Value *v = (Value *)self;
    if (n != 3 || !PyTuple_CheckExact(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "_become() takes a tuple of parents, a name and a function or None");
        return NULL;
    }
    PyObject *function = arguments[2] == Py_None ? NULL : arguments[2];
    int named = PyObject_IsTrue(arguments[1]);
    Extra *x = NULL;
    if (named < 0) return NULL;
    if (PyTuple_GET_SIZE(arguments[0]) || named || function) {
        if (!(x = by_hand_extra(arguments[0], arguments[1]))) return NULL;
        x->function = Py_XNewRef(function);
        x->takes_node = function && takes_node(function);
    }
    if (become(v, x ? BY_HAND : LEAF, x) < 0) {
        if (x) discard(x);
        return NULL;
    }
    if (x) track_all(v); /* its parents may be younger than it is */
    Py_RETURN_NONE;
}

static int set_backward(PyObject *self, PyObject *function, void *name) {
    Value *v = (Value *)self;
    if (!function) return not_settable(self, name, "deleter");
    if (!PyCallable_Check(function)) {
        Py_XDECREF(PyObject_CallOneArg(refuse_backward, function));
        return -1;
    }
    int wants_node = takes_node(function);
    if (v->op == BY_HAND) {
        v->extra->takes_node = wants_node;
        if (!wants_node) remember_operands(v->extra);
        Py_XSETREF(v->extra->function, Py_NewRef(function));
        if (!wants_node) track_late(v);
        track_function(v, function);
        return 0;
    }
    PyObject *operands = kept_operands_of(self, 0), *op = operands ? get_op(self, NULL) : NULL;
    Extra *x = op ? new_extra(PyTuple_GET_SIZE(operands)) : NULL;
    if (x) {
        for (; x->n < PyTuple_GET_SIZE(operands); x->n++) x->operands[x->n] = Py_NewRef(PyTuple_GET_ITEM(operands, x->n));
        x->row = row_of(v) == Py_None ? NULL : Py_NewRef(row_of(v));
        x->name = Py_NewRef(op);
        x->function = Py_NewRef(function);
        x->takes_node = wants_node;
        if (!wants_node) remember_operands(x);
        if (become(v, BY_HAND, x) < 0) {
            discard(x);
            x = NULL;
        } else {
            track_late(v);
            track_function(v, function);
        }
    }
    Py_XDECREF(operands);
    Py_XDECREF(op);
    return x ? 0 : -1;
}

/* --- attributes of the user's -------------------------------------------------------------------------------------------------- */

static int can_close_a_cycle(PyObject *o) {
    if (!PyType_IS_GC(Py_TYPE(o))) return 0;
    if (!PyTuple_CheckExact(o)) return 1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); i++)
        if (PyType_IS_GC(Py_TYPE(PyTuple_GET_ITEM(o, i)))) return 1;
    return 0;
}

static int value_setattro(PyObject *self, PyObject *name, PyObject *value) {
    if (PyObject_GenericSetAttr(self, name, value) < 0) return -1;
    Value *v = (Value *)self;
    if (v->attributes && value && can_close_a_cycle(value)) {
        track_late(v);
        track_led_to(v, value);
    }
    return 0;
}

static PyObject *get_dict(PyObject *self, void *closure) {
    track_late((Value *)self); /* anything may be put into it from now on */
    return PyObject_GenericGetDict(self, closure);
}

static int set_dict(PyObject *self, PyObject *value, void *closure) {
    track_late((Value *)self);
    return PyObject_GenericSetDict(self, value, closure);
}

static PyObject *value_attributes(PyObject *self, PyObject *nothing UNUSED) {
    PyObject *attributes = Py_XNewRef(((Value *)self)->attributes), *copied = attributes ? PyDict_Copy(attributes) : PyDict_New();
    Py_XDECREF(attributes);
    return copied;
}

/* --- making Values ------------------------------------------------------------------------------------------------------------- */

/* The Extra of an operation made by hand. */
static Extra *by_hand_extra(PyObject *children, PyObject *op) {
    PyObject *tuple = children ? PySequence_Tuple(children) : PyTuple_New(0);
    Extra *x = tuple ? new_extra(PyTuple_GET_SIZE(tuple)) : NULL;
    for (; x && x->n < PyTuple_GET_SIZE(tuple); x->n++) {
        PyObject *child = PyTuple_GET_ITEM(tuple, x->n);
        if (!IS_VALUE(child)) {
            Py_XDECREF(PyObject_CallOneArg(refuse_child, child));
            discard(x);
            x = NULL;
            break;
        }
        x->operands[x->n] = Py_NewRef(child);
    }
    Py_XDECREF(tuple);
    if (x) x->name = Py_NewRef(op ? op : s_empty);
    return x;
}

/* The Extra of an operation made by hand whose arguments by_hand.py has to sort: local gradients, or names of other engines. NULL for a
 * leaf, or with an exception. */
static Extra *sorted_extra(PyObject *children, PyObject *op, PyObject *named) {
    PyObject *nothing = PyTuple_New(0), *sorted = NULL, *function;
    Extra *x = NULL;
    if (nothing) sorted = PyObject_CallFunctionObjArgs(arguments_function, children ? children : nothing, op ? op : s_empty, named, NULL);
    Py_XDECREF(nothing);
    if (!sorted) return NULL;
    children = PyTuple_GET_ITEM(sorted, 0);
    op = PyTuple_GET_ITEM(sorted, 1);
    function = PyTuple_GET_ITEM(sorted, 2);
    if ((PyTuple_GET_SIZE(children) || PyUnicode_GET_LENGTH(op)) && (x = by_hand_extra(children, op)) && function != Py_None) {
        x->function = Py_NewRef(function);
        x->takes_node = 1;
    }
    Py_DECREF(sorted);
    return x;
}

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
    else if (x) {
        for (Py_ssize_t i = 0; i < x->n && !(v->flags & TRACKED); i++)
            if (((Value *)x->operands[i])->flags & TRACKED) track_new(v);
    } else
        mark_leaf(v);
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

/* A node of the same operation, data, gradient and attributes, with other operands. */
static PyObject *value_copy_with(PyObject *self, PyObject *sequence) {
    Value *v = (Value *)self, *twin = NULL;
    Extra *x = NULL;
    PyObject *operands = PySequence_Tuple(sequence);
    if (!operands) return NULL;
    int op = v->op;
    Py_ssize_t n = PyTuple_GET_SIZE(operands), expected = v->op == LEAF ? 0 : HAS_EXTRA(v) ? v->extra->n : HAS_B(v) || v->op == POWER_NUMBER ? 2 : 1;
    int fits = n == expected;
    for (Py_ssize_t i = 0; i < n && fits; i++)
        fits = IS_VALUE(PyTuple_GET_ITEM(operands, i)) || (i == 1 && (v->op == POWER_NUMBER || v->op == ROW) && PyFloat_CheckExact(PyTuple_GET_ITEM(operands, i)));
    if (fits && v->op == POWER_NUMBER) fits = PyFloat_CheckExact(PyTuple_GET_ITEM(operands, 1));
    if (!fits) {
        PyErr_SetString(PyExc_TypeError, "_copy() takes as many operands as the node has, of the same kinds");
        goto done;
    }
    if (HAS_EXTRA(v)) {
        if (!(x = new_extra(n))) goto done;
        for (; x->n < n; x->n++) x->operands[x->n] = Py_NewRef(PyTuple_GET_ITEM(operands, x->n));
        x->row = Py_XNewRef(v->extra->row);
        x->name = Py_XNewRef(v->extra->name);
        x->function = Py_XNewRef(v->extra->function);
        if (v->extra->seen) remember_operands(x);
        x->takes_node = v->extra->takes_node;
    }
    PyObject *attributes = v->attributes ? PyDict_Copy(v->attributes) : NULL;
    if ((v->attributes && !attributes) || !(twin = new_node_of(Py_TYPE(self), v->data)) || v->op != op) {
        if (twin) PyErr_SetString(PyExc_RuntimeError, "the node was given another operation while it was copied");
        Py_CLEAR(twin);
        Py_XDECREF(attributes);
        if (x) discard(x);
        goto done;
    }
    twin->grad = v->grad;
    twin->epoch = v->epoch;
    twin->flags |= v->flags & (SUSPECT | SET);
    twin->attributes = attributes;
    if (op == LEAF) {
        mark_leaf(twin);
        twin->written = v->written;
        twin->flags |= v->flags & WHOLE;
    }
    int tracked = v->flags;
    if (x)
        twin->extra = x;
    else if (HAS_A(v)) {
        twin->a = (Value *)Py_NewRef(PyTuple_GET_ITEM(operands, 0));
        if (HAS_B(v)) twin->b = (Value *)Py_NewRef(PyTuple_GET_ITEM(operands, 1));
        else if (v->op == POWER_NUMBER) twin->exponent = PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(operands, 1));
    }
    twin->op = v->op;
    for (Py_ssize_t i = 0; i < n; i++)
        if (IS_VALUE(PyTuple_GET_ITEM(operands, i))) tracked |= ((Value *)PyTuple_GET_ITEM(operands, i))->flags;
    if (tracked & TRACKED) track_new(twin);
done:
    Py_DECREF(operands);
    return (PyObject *)twin;
}

static PyObject *value_copy(PyObject *self, PyObject *nothing UNUSED) { return PyObject_CallOneArg(copy_function, self); }

static PyObject *value_deepcopy(PyObject *self, PyObject *memo) {
    PyObject *order = module_topological_order(NULL, self), *twin = NULL;
    if (order) twin = PyObject_CallFunctionObjArgs(deep_copy_function, order, memo, NULL);
    Py_XDECREF(order);
    return twin;
}

static PyObject *value_reduce(PyObject *self, PyObject *protocol UNUSED) { return PyObject_CallOneArg(reduce_function, self); }

/* --- a number among numbers ---------------------------------------------------------------------------------------------------- */

/* The places in the program at which taking a number means just that: see conversions.py, which is asked once about each. */
#define PLACES 256
static struct {
    PyCodeObject *code;
    int instruction;
} silent_places[PLACES];

/* Ask whether the calling place means the number; 0, or -1 with an exception. */
static int look_at_caller(void) {
    PyFrameObject *frame = PyEval_GetFrame();
    if (!frame) return 0;
    Py_INCREF(frame);
    PyCodeObject *code = PyFrame_GetCode(frame);
    int instruction = PyFrame_GetLasti(frame), result = 0;
    size_t place = (((uintptr_t)code >> 4) + (size_t)instruction * 31) % PLACES;
    if (silent_places[place].code != code || silent_places[place].instruction != instruction) {
        PyObject *answer = PyObject_CallOneArg(look_function, (PyObject *)frame);
        result = answer ? 0 : -1;
        if (answer == Py_True) {
            PyCodeObject *before = silent_places[place].code;
            silent_places[place].code = (PyCodeObject *)Py_NewRef((PyObject *)code);
            silent_places[place].instruction = instruction;
            Py_XDECREF(before);
        }
        Py_XDECREF(answer);
    }
    Py_DECREF(code);
    Py_DECREF(frame);
    return result;
}

static PyObject *value_float(PyObject *self) {
    if (REFUSED(self, "float")) return NULL;
    return !on_look && look_at_caller() < 0 ? NULL : get_bare_data(self, NULL); /* a guard that lets it pass has its own words for it */
}

static PyObject *value_int(PyObject *self) {
    return REFUSED(self, "int") ? NULL : PyLong_FromDouble(((Value *)self)->data);
}

static int value_bool(PyObject *self) { return REFUSED(self, "bool") ? -1 : 1; }

static PyObject *value_compare(PyObject *self, PyObject *other, int op) {
    if (op == Py_EQ || op == Py_NE) { /* identity, as for any object */
        if (op == Py_EQ && self == other) Py_RETURN_TRUE;
        if (op == Py_NE && self == other) Py_RETURN_FALSE;
        Py_RETURN_NOTIMPLEMENTED;
    }
    static const char *const signs[] = {[Py_LT] = "<", [Py_LE] = "<=", [Py_GT] = ">", [Py_GE] = ">="};
    if (REFUSED(self, signs[op])) return NULL;
    double left = ((Value *)self)->data, right;
    if (IS_VALUE(other))
        right = ((Value *)other)->data;
    else {
        int found = to_number_if_any(other, &right);
        if (found < 0) return NULL;
        if (!found) Py_RETURN_NOTIMPLEMENTED;
    }
    Py_RETURN_RICHCOMPARE(left, right, op);
}

static PyObject *value_repr(PyObject *self) {
    PyObject *name = PyType_GetName(Py_TYPE(self)), *data = get_bare_data(self, NULL), *grad = get_grad(self, NULL), *text = NULL;
    if (name && data && grad) text = PyUnicode_FromFormat("%U(data=%R, grad=%R)", name, data, grad);
    Py_XDECREF(name);
    Py_XDECREF(data);
    Py_XDECREF(grad);
    return text;
}

/* --- many nodes at once -------------------------------------------------------------------------------------------------------- */

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

#define POSITION(node) ((int32_t)((node)->epoch - first))

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
        v->epoch = first + i;
        start[i] = (int64_t)filled;
        data[i] = v->data;
        parameter[i] = v->op == POWER_NUMBER ? v->exponent : 0.0;
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
    if (walk(root, count, order, NULL, EVERY_NODE) < 0) return -1;
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

/* The first two arguments of the functions below: Values in a list or tuple, and a buffer of as many numbers, to be released. How many, or
 * -1 with an exception. The nodes are looked at last: asking for the buffer may run code of the user's. */
static Py_ssize_t nodes_and_numbers(PyObject *const *arguments, Py_buffer *view, int writable) {
    int has_numbers = get_numbers(arguments[1], view, writable), is_list = PyList_Check(arguments[0]) || PyTuple_Check(arguments[0]);
    Py_ssize_t n = is_list ? PySequence_Fast_GET_SIZE(arguments[0]) : 0, numbers = has_numbers ? view->len / (Py_ssize_t)sizeof(double) : 0;
    PyObject **nodes = is_list ? PySequence_Fast_ITEMS(arguments[0]) : NULL, *wrong = is_list ? NULL : arguments[0];
    Py_ssize_t position = is_list ? 0 : -1;
    for (; position >= 0 && position < n; position++)
        if (UNLIKELY(!IS_EXACT(nodes[position])) && !IS_VALUE(nodes[position])) {
            wrong = nodes[position];
            break;
        }
    if (LIKELY(has_numbers && !wrong && n == numbers)) return n;
    Py_XINCREF(wrong);
    if (has_numbers) PyBuffer_Release(view);
    if (wrong) Py_XDECREF(PyObject_CallFunction(refuse_node, "nO", position, wrong));
    else if (!has_numbers) Py_XDECREF(PyObject_CallFunctionObjArgs(refuse_numbers, arguments[1], writable ? Py_True : Py_False, NULL));
    else Py_XDECREF(PyObject_CallFunction(refuse_count, "nn", n, numbers));
    Py_XDECREF(wrong);
    return -1;
}

/* A function of nodes, numbers and perhaps a scale: what it does to each node v and each number. */
#define FOR_EACH_NODE(name, wanted, writable, changes_data, statement)                                                \
    static PyObject *module_##name(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {           \
        double scale = 1.0;                                                                                           \
        Py_buffer view;                                                                                               \
        if (given != (wanted)) {                                                                                      \
            PyErr_Format(PyExc_TypeError, #name "() takes %d positional arguments but %zd were given", wanted, given); \
            return NULL;                                                                                              \
        }                                                                                                             \
        if (given == 3 && to_number(arguments[2], &scale) < 0) return NULL;                                           \
        Py_ssize_t n = nodes_and_numbers(arguments, &view, writable);                                                 \
        if (n < 0) return NULL;                                                                                       \
        PyObject **nodes = PySequence_Fast_ITEMS(arguments[0]);                                                       \
        double *number = view.buf;                                                                                    \
        const uint64_t now = ++epoch;                                                                                 \
        if (changes_data) last_assignment = now;                                                                      \
        for (Py_ssize_t i = 0; i < n; i++, number++) {                                                                \
            Value *v = (Value *)nodes[i];                                                                             \
            statement;                                                                                                \
        }                                                                                                             \
        (void)scale, (void)now;                                                                                       \
        PyBuffer_Release(&view);                                                                                      \
        Py_RETURN_NONE;                                                                                               \
    }
FOR_EACH_NODE(read_data, 2, 1, 0, *number = v->data; (void)now)
FOR_EACH_NODE(write_data, 2, 0, 1, v->data = *number; v->flags &= ~WHOLE; note_assignment(v))
FOR_EACH_NODE(read_grad, 2, 1, 0, *number = or_zero(v->grad); gradients_seen = 1)
FOR_EACH_NODE(write_grad, 2, 0, 0, v->grad = *number; written_in(v, now))
FOR_EACH_NODE(add_grad, 3, 0, 0, v->grad = or_zero(v->grad) + scale * *number; written_in(v, now))

/* --- gradients that no backward() has reached ---------------------------------------------------------------------------------- */

static PyObject *module_mark_gradients(PyObject *module UNUSED, PyObject *params UNUSED) { return PyLong_FromUnsignedLongLong(epoch); }

static void zero_left_out(Value **params, Py_ssize_t n, uint64_t mark) {
    for (Py_ssize_t i = 0; i < n; i++)
        if (params[i]->op == LEAF && params[i]->written <= mark && !is_none(params[i]->grad)) params[i]->grad = 0.0;
}

static PyObject *module_settle_gradients(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {
    uint64_t mark = given == 2 && PyList_Check(arguments[0]) ? PyLong_AsUnsignedLongLong(arguments[1]) : 0;
    if (PyErr_Occurred()) return NULL;
    int are_all = given == 2 && PyList_Check(arguments[0]), reached = 0, left_out = 0;
    Py_ssize_t n = are_all ? PyList_GET_SIZE(arguments[0]) : 0;
    Value **params = are_all ? (Value **)PySequence_Fast_ITEMS(arguments[0]) : NULL;
    for (Py_ssize_t i = 0; i < n && (are_all = IS_VALUE(params[i])); i++) {
        int is_old = params[i]->op == LEAF && params[i]->written <= mark;
        left_out |= is_old;
        reached |= !is_old;
    }
    if (!are_all) {
        PyErr_SetString(PyExc_TypeError, "settle_gradients() takes a list of Values and what mark_gradients() returned");
        return NULL;
    }
    gradients_seen = 1;
    if (reached && left_out) zero_left_out(params, n, mark);
    return PyLong_FromUnsignedLongLong(epoch);
}

/* --- the steps of optimisers --------------------------------------------------------------------------------------------------- */

static PyObject *reference_sgd_step, *reference_adam_step; /* of bulk.py: they take whatever is not as expected here */

static int read_floats(PyObject *const *objects, double *floats, int count) {
    for (int i = 0; i < count; i++) {
        if (!PyFloat_CheckExact(objects[i])) return 0;
        floats[i] = PyFloat_AS_DOUBLE(objects[i]);
    }
    return 1;
}

/* Whether nobody can see the difference between `p.data -= x` and a change of the number itself; then the gradients are settled too, on
 * the same way through the nodes, unless the mark is None. It is replaced by the next one: a new reference. */
static int are_plain(PyObject *params, PyObject **mark) {
    if (GUARDED || !PyList_CheckExact(params)) return 0;
    uint64_t before = *mark == Py_None ? 0 : PyLong_AsUnsignedLongLong(*mark);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    Value **nodes = (Value **)PySequence_Fast_ITEMS(params);
    const Py_ssize_t n = PyList_GET_SIZE(params);
    int reached = 0, left_out = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!IS_EXACT(nodes[i])) return 0;
        int is_old = nodes[i]->op == LEAF && nodes[i]->written <= before;
        left_out |= is_old;
        reached |= !is_old;
    }
    if (*mark == Py_None) {
        Py_INCREF(Py_None);
        return 1;
    }
    PyObject *next = PyLong_FromUnsignedLongLong(epoch);
    if (!next) {
        PyErr_Clear();
        return 0;
    }
    *mark = next;
    gradients_seen = 1;
    if (reached && left_out) zero_left_out(nodes, n, before);
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

static inline double direction(const Value *p, double weight_decay, int maximize) {
    double gradient = maximize ? -p->grad : p->grad;
    return weight_decay != 0.0 ? gradient + weight_decay * p->data : gradient;
}

static PyObject *module_sgd_step(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t given) {
    double options[4];
    Py_buffer view = {.buf = NULL};
    PyObject *mark = given == 10 ? arguments[9] : Py_None;
    if (given < 9 || given > 10 || !read_floats(arguments + 2, options, 4) || !PyBool_Check(arguments[6]) || !PyBool_Check(arguments[7]) ||
        !PyBool_Check(arguments[8]) || !PyList_CheckExact(arguments[0]))
        goto other;
    const double lr = options[0], momentum = options[1], dampening = options[2], weight_decay = options[3];
    const int nesterov = arguments[6] == Py_True, maximize = arguments[7] == Py_True, first = arguments[8] == Py_True;
    const Py_ssize_t n = PyList_GET_SIZE(arguments[0]);
    if (momentum != 0.0 && !get_buffer(arguments[1], &view, n)) goto other;
    if (PyList_GET_SIZE(arguments[0]) != n || !are_plain(arguments[0], &mark)) goto other;
    Value **params = (Value **)PySequence_Fast_ITEMS(arguments[0]);
    double *buffer = view.buf;
    last_assignment = ++epoch;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (is_none(params[i]->grad)) continue;
        double g = direction(params[i], weight_decay, maximize);
        if (momentum != 0.0) {
            buffer[i] = first ? g : momentum * buffer[i] + (1.0 - dampening) * g;
            g = nesterov ? g + momentum * buffer[i] : buffer[i];
        }
        params[i]->data -= lr * g;
        note_assignment(params[i]);
        params[i]->flags &= ~WHOLE;
    }
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
    if (given < 12 || given > 13 || !read_floats(arguments + 4, options, 7) || !PyBool_Check(arguments[11]) || !PyList_CheckExact(arguments[0])) goto other;
    const double rate = options[0], correction = options[1], beta1 = options[2], beta2 = options[3], eps = options[4], l2 = options[5];
    const double decay_factor = options[6];
    const int maximize = arguments[11] == Py_True;
    const Py_ssize_t n = PyList_GET_SIZE(arguments[0]);
    for (int i = 0; i < 3; i++)
        if ((i < 2 || arguments[3] != Py_None) && !get_buffer(arguments[1 + i], &views[i], n)) goto other;
    if (correction == 0.0 || PyList_GET_SIZE(arguments[0]) != n || !are_plain(arguments[0], &mark)) goto other;
    Value **params = (Value **)PySequence_Fast_ITEMS(arguments[0]);
    double *m = views[0].buf, *v = views[1].buf, *largest = views[2].buf;
    last_assignment = ++epoch;
    for (Py_ssize_t i = 0; decay_factor != 1.0 && i < n; i++)
        if (!is_none(params[i]->grad)) params[i]->data *= decay_factor;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (is_none(params[i]->grad)) continue;
        double g = direction(params[i], l2, maximize), scale;
        m[i] = beta1 * m[i] + (1.0 - beta1) * g;
        v[i] = scale = beta2 * v[i] + (1.0 - beta2) * g * g;
        if (arguments[3] != Py_None) {
            if (largest[i] > scale || isnan(largest[i])) scale = largest[i];
            largest[i] = scale;
        }
        params[i]->flags &= ~WHOLE;
        params[i]->data -= rate * ieee_divide(m[i], sqrt(scale) / correction + eps);
        note_assignment(params[i]);
    }
    for (int i = 0; i < 3; i++) PyBuffer_Release(&views[i]);
    return mark;
other:
    for (int i = 0; i < 3; i++) PyBuffer_Release(&views[i]);
    return step_by_reference(reference_adam_step, arguments, given, 12);
}

/* --- the type and the module --------------------------------------------------------------------------------------------------- */

#define METHOD(name, flags) (PyCFunction)(void (*)(void))(name), (flags)

/* In place of a docstring, a method that the reference has too holds its signature; `borrow_text` adds the reference's words. */
static PyMethodDef value_methods[] = {
    {"backward", METHOD(value_backward, METH_FASTCALL | METH_KEYWORDS), "($self, *, accumulate=False)"},
    {"exp", METHOD(value_exp, METH_FASTCALL | METH_KEYWORDS), "($self)"},
    {"log", METHOD(value_log, METH_FASTCALL | METH_KEYWORDS), "($self)"},
    {"tanh", METHOD(value_tanh, METH_FASTCALL | METH_KEYWORDS), "($self)"},
    {"sigmoid", METHOD(value_sigmoid, METH_FASTCALL | METH_KEYWORDS), "($self)"},
    {"relu", METHOD(value_relu, METH_FASTCALL | METH_KEYWORDS), "($self)"},
    {"_add_up", value_add_up, METH_NOARGS, "($self)"},
    {"_become", METHOD(value_become, METH_FASTCALL), NULL},
    {"_apply", METHOD(value_apply, METH_FASTCALL), NULL},
    {"_bare", value_bare, METH_NOARGS | METH_CLASS, NULL},
    {"_copy", value_copy_with, METH_O, NULL},
    {"_attributes", value_attributes, METH_NOARGS, NULL},
    {"__copy__", value_copy, METH_NOARGS, NULL},
    {"__deepcopy__", value_deepcopy, METH_O, NULL},
    {"__reduce_ex__", value_reduce, METH_O, NULL},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef value_properties[] = {{"data", get_data, set_data, NULL, "data"},
                                         {"grad", get_grad, set_grad, NULL, "grad"},
                                         {"_data", get_bare_data, set_nothing, NULL, "_data"},
                                         {"_grad", get_grad, set_nothing, NULL, "_grad"},
                                         {"label", get_label, set_label, NULL, "label"},
                                         {"_prev", get_prev, set_prev, NULL, "_prev"},
                                         {"_operands", get_operands, set_nothing, NULL, "_operands"},
                                         {"_op", get_op, set_op, NULL, "_op"},
                                         {"_backward", get_backward, set_backward, NULL, "_backward"},
                                         {"_rule", get_rule, set_nothing, NULL, "_rule"},
                                         {"_function", get_function, set_nothing, NULL, "_function"},
                                         {"_primitive", get_primitive, set_nothing, NULL, "_primitive"},
                                         {"__dict__", get_dict, set_dict, NULL, NULL},
                                         {NULL, NULL, NULL, NULL, NULL}};

static PyMemberDef value_members[] = {{"__dictoffset__", Py_T_PYSSIZET, offsetof(Value, attributes), Py_READONLY, NULL}, {NULL, 0, 0, 0, NULL}};

static PyType_Slot value_slots[] = {
    {Py_tp_dealloc, value_dealloc},
    {Py_tp_traverse, value_traverse},
    {Py_tp_clear, value_clear},
    {Py_tp_new, value_new},
    {Py_tp_init, value_init},
    {Py_tp_repr, value_repr},
    {Py_tp_richcompare, value_compare},
    {Py_tp_hash, NULL}, /* object's own, by identity; filled in below */
    {Py_tp_doc, ""},    /* filled in below, from the reference's */
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {Py_tp_setattro, value_setattro},
    {Py_tp_methods, value_methods},
    {Py_tp_getset, value_properties},
    {Py_tp_members, value_members},
    {Py_nb_add, value_add},
    {Py_nb_subtract, value_subtract},
    {Py_nb_multiply, value_multiply},
    {Py_nb_true_divide, value_divide},
    {Py_nb_power, value_power},
    {Py_nb_negative, value_negative},
    {Py_nb_positive, value_positive},
    {Py_nb_absolute, value_absolute},
    {Py_nb_float, value_float},
    {Py_nb_int, value_int},
    {Py_nb_bool, value_bool},
    {0, NULL}};

static PyType_Spec value_spec = {
    .name = "chainrule._value.Value",
    .basicsize = sizeof(Value),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = value_slots,
};

static PyObject *module_watch(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t n) {
    if (n != 2) {
        PyErr_Format(PyExc_TypeError, "watch() takes 2 functions or None, got %zd arguments", n);
        return NULL;
    }
    Py_XSETREF(on_made, arguments[0] == Py_None ? NULL : Py_NewRef(arguments[0]));
    Py_XSETREF(on_sweep, arguments[1] == Py_None ? NULL : Py_NewRef(arguments[1]));
    Py_RETURN_NONE;
}

static PyObject *module_guard(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t n) {
    if (n < 1 || n > 2 || (n == 2 && arguments[1] != Py_None && !PyList_CheckExact(arguments[1]))) {
        PyErr_SetString(PyExc_TypeError, "guard() takes a function or None, and a list for leaves or None");
        return NULL;
    }
    PyObject *function = arguments[0] == Py_None ? NULL : arguments[0], *list = n == 2 && function && arguments[1] != Py_None ? arguments[1] : NULL;
    guards += (function != NULL) - (on_look != NULL);
    Py_XSETREF(leaves, Py_XNewRef(list));
    Py_XSETREF(on_look, Py_XNewRef(function));
    Py_RETURN_NONE;
}

static PyObject *module_forget_other_threads(PyObject *module UNUSED, PyObject *nothing UNUSED) {
    guards = on_look != NULL;
    Py_RETURN_NONE;
}

static PyMethodDef module_methods[] = {
    {"dot", METHOD(module_dot, METH_FASTCALL | METH_KEYWORDS), "(weights, inputs, bias=None)"},
    {"constant", module_constant, METH_O, "(number, /)"},
    {"topological_order", module_topological_order, METH_O, "(root)"},
    {"flatten", module_flatten, METH_O, "(roots, /)"},
    {"changed", module_changed, METH_O, "(root, /)"},
    {"read_data", METHOD(module_read_data, METH_FASTCALL), "(nodes, out, /)"},
    {"write_data", METHOD(module_write_data, METH_FASTCALL), "(nodes, numbers, /)"},
    {"read_grad", METHOD(module_read_grad, METH_FASTCALL), "(nodes, out, /)"},
    {"mark_gradients", module_mark_gradients, METH_O, "(params, /)"},
    {"settle_gradients", METHOD(module_settle_gradients, METH_FASTCALL), "(params, mark, /)"},
    {"write_grad", METHOD(module_write_grad, METH_FASTCALL), "(nodes, numbers, /)"},
    {"add_grad", METHOD(module_add_grad, METH_FASTCALL), "(nodes, numbers, scale, /)"},
    {"sgd_step", METHOD(module_sgd_step, METH_FASTCALL),
     "(params, buffer, lr, momentum, dampening, weight_decay, nesterov, maximize, first, mark=None, /)"},
    {"adam_step", METHOD(module_adam_step, METH_FASTCALL),
     "(params, m, v, largest, rate, correction, beta1, beta2, eps, l2, decay_factor, maximize, mark=None, /)"},
    {"guard", METHOD(module_guard, METH_FASTCALL), "(function, leaves=None, /)"},
    {"forget_other_threads", module_forget_other_threads, METH_NOARGS, "()"},
    {"watch", METHOD(module_watch, METH_FASTCALL),
     "Call the first function with every node that an operation makes, and the second with the topological order in place of the sweep."},
    {NULL, NULL, 0, NULL}};

/* "name(signature)\n--\n\n" and the reference's docstring: the form in which CPython keeps them. It is never freed. */
static int borrow_text(PyMethodDef *methods, PyObject *owner) {
    for (; methods->ml_name; methods++) {
        if (!methods->ml_doc || methods->ml_doc[0] != '(') continue;
        PyObject *function = PyObject_GetAttrString(owner, methods->ml_name);
        PyObject *text = function ? PyObject_GetAttrString(function, "__doc__") : NULL;
        const char *words = text ? PyUnicode_AsUTF8(text) : NULL;
        size_t room = words ? strlen(methods->ml_name) + strlen(methods->ml_doc) + strlen(words) + 6 : 0;
        char *joined = words ? PyMem_RawMalloc(room) : NULL;
        if (joined) PyOS_snprintf(joined, room, "%s%s\n--\n\n%s", methods->ml_name, methods->ml_doc, words);
        else if (words) PyErr_NoMemory();
        Py_XDECREF(function);
        Py_XDECREF(text);
        if (!joined) return -1;
        methods->ml_doc = joined;
    }
    return 0;
}

/* The docstrings of the properties, and the signature and docstring of the type. */
static int borrow_docs(void) {
    for (PyGetSetDef *property = value_properties; property->name; property++) {
        if (!property->closure) continue; /* __dict__, which is Python's own */
        PyObject *theirs = PyObject_GetAttrString(reference, property->name), *text = theirs ? PyObject_GetAttrString(theirs, "__doc__") : NULL;
        const char *words = text && text != Py_None ? PyUnicode_AsUTF8(text) : "";
        char *copy = words ? PyMem_RawMalloc(strlen(words) + 1) : NULL;
        if (copy) property->doc = *words ? strcpy(copy, words) : NULL;
        else if (words) PyErr_NoMemory();
        Py_XDECREF(theirs);
        Py_XDECREF(text);
        if (PyErr_Occurred()) return -1;
    }
    PyObject *text = PyObject_GetAttrString(reference, "__doc__");
    const char *words = text ? PyUnicode_AsUTF8(text) : NULL, *signature = "Value(data, _children=(), _op=\"\", label=\"\", **named)\n--\n\n";
    char *joined = words ? PyMem_RawMalloc(strlen(signature) + strlen(words) + 1) : NULL;
    if (joined) {
        strcat(strcpy(joined, signature), words);
        for (PyType_Slot *slot = value_slots; slot->slot; slot++)
            if (slot->slot == Py_tp_doc) slot->pfunc = joined;
    } else if (words)
        PyErr_NoMemory();
    Py_XDECREF(text);
    return joined ? 0 : -1;
}

static PyObject *find(PyObject *module, const char *name) { return module ? PyObject_GetAttrString(module, name) : NULL; }

/* Find what is shared with the reference engine; 0, or -1 with an exception. */
static int find_shared(void) {
    static const char *const names[OPERATIONS] = {NULL,   "add",  "subtract", "multiply", "divide",  "power", "power",   "negative", "relu",
                                                  "tanh", "exp",  "log",      "sigmoid",  "dot",     "largest", "take", NULL,       NULL};
    PyObject *primitives = PyImport_ImportModule("chainrule.primitives"), *value = PyImport_ImportModule("chainrule.reference");
    PyObject *copies = PyImport_ImportModule("chainrule.copies"), *refusals = PyImport_ImportModule("chainrule.refusals");
    PyObject *changes = PyImport_ImportModule("chainrule.changes"), *conversions = PyImport_ImportModule("chainrule.conversions");
    PyObject *kinds_module = PyImport_ImportModule("chainrule.kinds");
    PyObject *by_hand = PyImport_ImportModule("chainrule.by_hand"), *thrown = PyImport_ImportModule("chainrule.thrown_away");
    int result = -1;
    for (int op = 0; op < OPERATIONS; op++)
        if (names[op] && !(rows[op] = find(primitives, names[op]))) goto done;
    const struct {
        PyObject **into, *module;
        const char *name;
    } wanted[] = {{&absolute_row, primitives, "absolute"},
                  {&zero_function, primitives, "zero"},
                  {&real_function, primitives, "real"},
                  {&whole_class, primitives, "Whole"},
                  {&by_hand_rule, value, "BY_HAND"},
                  {&reference, value, "Value"},
                  {&reference_dot, value, "dot"},
                  {&operation_name_function, value, "operation_name"},
                  {&refuse_data, refusals, "refuse_data"},
                  {&stand_for, refusals, "stand_for"},
                  {&refuse_child, refusals, "refuse_child"},
                  {&refuse_label, refusals, "refuse_label"},
                  {&refuse_backward, refusals, "refuse_backward"},
                  {&refuse_root, refusals, "refuse_root"},
                  {&refuse_lengths, refusals, "refuse_lengths"},
                  {&refuse_node, refusals, "refuse_node"},
                  {&refuse_numbers, refusals, "refuse_numbers"},
                  {&refuse_count, refusals, "refuse_count"},
                  {&reference_sgd_step, value, "sgd_step"},
                  {&reference_adam_step, value, "adam_step"},
                  {&report_change, changes, "report"},
                  {&look_function, conversions, "look"},
                  {&copy_function, copies, "shallow_copy"},
                  {&caution_of_cycle, by_hand, "caution_of_cycle"},
                  {&deep_copy_function, copies, "deep_copy"},
                  {&reduce_function, copies, "reduce"},
                  {&arguments_function, by_hand, "arguments"},
                  {&set_parents_function, by_hand, "set_parents"},
                  {&set_name_function, by_hand, "set_name"},
                  {&result_class_function, kinds_module, "result_class"},
                  {&warn_function, thrown, "warn"}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!(*wanted[i].into = find(wanted[i].module, wanted[i].name))) goto done;
    const struct {
        PyObject **into;
        const char *text;
    } strings[] = {{&s_forward, "forward"}, {&s_partials, "partials"}, {&s_partial, "partial"}, {&s_parametric, "parametric"},
                   {&s_each, "each"},       {&s_choices, "choices"}, {&s_shown, "shown"},       {&s_label, "_label"},   {&s_empty, ""},
                   {&s_takes_node, "takes_node"}, {&s_named, "_named"}};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        if (!(*strings[i].into = PyUnicode_InternFromString(strings[i].text))) goto done;
    result = borrow_text(value_methods, reference) < 0 || borrow_text(module_methods, value) < 0 || borrow_docs() < 0 ? -1 : 0;
done:
    Py_XDECREF(primitives);
    Py_XDECREF(value);
    Py_XDECREF(copies);
    Py_XDECREF(by_hand);
    Py_XDECREF(kinds_module);
    Py_XDECREF(thrown);
    Py_XDECREF(refusals);
    Py_XDECREF(changes);
    Py_XDECREF(conversions);
    return result;
}

/* The methods and properties that are not written here are the reference's own, such as `sin`: most are one call of `_apply`. */
static int share_methods(PyObject *type) {
    PyObject *names = PyObject_Dir(reference), *ours = PyObject_GetAttrString(type, "__dict__");
    int result = names && ours ? 0 : -1;
    for (Py_ssize_t i = 0; result == 0 && i < PyList_GET_SIZE(names); i++) {
        PyObject *name = PyList_GET_ITEM(names, i), *method = _PyType_Lookup((PyTypeObject *)reference, name); /* borrowed */
        if (!method) continue;
        int have = PyFunction_Check(method) || Py_IS_TYPE(method, &PyProperty_Type) ? PySequence_Contains(ours, name) : 1;
        result = have < 0 ? -1 : have ? 0 : PyObject_SetAttr(type, name, method);
    }
    Py_XDECREF(names);
    Py_XDECREF(ours);
    return result;
}

static int make_type(PyObject *module) {
    for (PyType_Slot *slot = value_slots; slot->slot; slot++)
        if (slot->slot == Py_tp_hash) slot->pfunc = (void *)PyBaseObject_Type.tp_hash;
    PyObject *type = PyType_FromModuleAndSpec(module, &value_spec, NULL);
    if (!type) return -1;
    ((PyTypeObject *)type)->tp_vectorcall = value_vectorcall;
    ((PyTypeObject *)type)->tp_name = "Value"; /* as Python's own messages show it: "unsupported operand type(s) for +: 'Value' and 'str'" */
    PyObject *priority = PyObject_GetAttrString(reference, "__array_priority__");
    int failed = !priority || PyObject_SetAttrString(type, "__array_priority__", priority) < 0;
    Py_XDECREF(priority);
    if (!failed) failed = PyObject_SetAttrString(type, "_checks_numbers", Py_True) < 0 || share_methods(type) < 0;
    if (failed)
        Py_DECREF(type);
    else
        value_type = (PyTypeObject *)type;
    return failed ? -1 : 0;
}

static int module_exec(PyObject *module) {
#ifdef Py_GIL_DISABLED
    PyErr_SetString(PyExc_ImportError, "the C engine needs the global interpreter lock, which this build of Python does without");
    return -1;
#endif
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "the C engine runs in the main interpreter only, and this is a subinterpreter");
        return -1;
    }
    if (!value_type && (find_shared() < 0 || make_type(module) < 0)) return -1; /* once, however often the module is imported */
    return PyModule_AddObjectRef(module, "Value", (PyObject *)value_type);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, (void *)module_exec},
#if PY_VERSION_HEX >= 0x030C0000
                                          {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
                                          {0, NULL}};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "chainrule._value",
    .m_doc = "The C engine: Value, dot and topological_order as in chainrule.value, but for speed and memory.",
    .m_size = 0,
    .m_methods = module_methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__value(void) { return PyModuleDef_Init(&module_definition); }
