/* Value as a C extension type: the same as value.py, to the last bit, but for speed and memory.
 *
 * value.py is the reference, and holds what both engines share, such as the methods that are seldom called; refusals.py has the texts of
 * errors. Operations that are not written out here are read from the table of primitives.py.
 *
 * Three things make it fast.
 *
 * - Python's cyclic garbage collector has nothing to scan. A node's operands are older than the node, so Values alone cannot form a
 *   cycle; what can is a hand-made `_backward` or an attribute of the user's. A node is tracked by the collector from the moment it gets
 *   one of these, and so is every node made from a tracked one. Where a function or an attribute leads to a node that was made later,
 *   that node is tracked with all that it depends on; where it does so in a roundabout way, the next walk through the graph sees to it.
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
enum { LEAF, ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, POWER_NUMBER, NEGATIVE, RELU, TANH, EXP, LOG, SIGMOID, DOT, ROW, BY_HAND, OPERATIONS };
#define HAS_A(v) ((v)->op >= ADD && (v)->op <= SIGMOID)
#define HAS_B(v) ((v)->op >= ADD && (v)->op <= POWER)
#define HAS_EXTRA(v) ((v)->op >= DOT)

/* flags: the cyclic collector knows this node; and all nodes that it depends on */
enum { TRACKED = 1, ALL_TRACKED = 2 };

typedef struct Value Value;

/* The operands of a node that has other than one or two Values, and what makes up an operation that is not written out here. */
typedef struct Extra {
    struct Extra *next;  /* in the list of retired ones */
    PyObject *row;       /* of ROW: its primitive. Of BY_HAND: the primitive that computed the data, or NULL */
    PyObject *name;      /* of BY_HAND: the operation's name */
    PyObject *function;  /* of BY_HAND: the `_backward` that was assigned, or NULL */
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
    };
    uint64_t epoch : 48; /* of the last walk that came here; wide enough for centuries of walks */
    uint64_t op : 8;
    uint64_t flags : 8;
    PyObject *attributes; /* NULL until the node gets a label or an attribute of the user's */
};

static PyTypeObject *value_type;
static PyObject *rows[OPERATIONS];                          /* of primitives.py, for the operations written out here */
static PyObject *by_hand_rule;                              /* value.BY_HAND */
static PyObject *reference;                                 /* the class value.Value */
static PyObject *real_function, *operation_name_function;   /* primitives.real, value.operation_name */
static PyObject *copy_function, *deep_copy_function, *reduce_function;      /* of copies.py */
static PyObject *refuse_data, *refuse_child, *refuse_label, *refuse_backward, *refuse_root, *refuse_lengths; /* of refusals.py */
static PyObject *on_made, *on_sweep;                        /* what `watch` was given, or NULL */
static PyObject *s_forward, *s_partials, *s_partial, *s_parametric, *s_name, *s_label, *s_empty;

#define IS_EXACT(o) Py_IS_TYPE((PyObject *)(o), value_type)
#define IS_VALUE(o) (IS_EXACT(o) || PyType_IsSubtype(Py_TYPE(o), value_type))

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
    v->epoch = 0;
    v->op = (unsigned char)op;
    v->flags = 0;
    v->attributes = NULL;
    return v;
}

/* A node of a class: LEAF, until its operands are set. A subclass of the user's is tracked, as every object of such a class is. */
static Value *new_node_of(PyTypeObject *type, double data) {
    if (type == value_type) return new_node(data, LEAF);
    Value *v = (Value *)type->tp_alloc(type, 0);
    if (v) {
        v->data = data;
        v->flags = TRACKED;
    }
    return v;
}

static inline void track(Value *v) {
    if (!(v->flags & TRACKED)) {
        v->flags |= TRACKED;
        PyObject_GC_Track((PyObject *)v);
    }
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
        if (UNLIKELY(v->flags & TRACKED)) PyObject_GC_UnTrack(o);
        v->next = dying;
        dying = v;
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
            if (free_count < CHAINRULE_FREE_NODES) {
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
    if (v->flags & TRACKED) PyObject_GC_UnTrack(self);
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

/* Every cycle passes through one of these; operands are older than the node, and stay. */
static int value_clear(PyObject *self) {
    Value *v = (Value *)self;
    Py_CLEAR(v->attributes);
    if (v->op == BY_HAND) {
        Py_CLEAR(v->extra->name);
        Py_CLEAR(v->extra->function);
    }
    return 0;
}

/* --- numbers ------------------------------------------------------------------------------------------------------------------- */

/* What primitives.real makes of an object; the everyday types are converted here. */
static int to_number(PyObject *o, double *number) {
    if (PyFloat_CheckExact(o)) {
        *number = PyFloat_AS_DOUBLE(o);
        return 0;
    }
    if (PyLong_CheckExact(o)) {
        *number = PyLong_AsDouble(o);
        if (*number != -1.0 || !PyErr_Occurred()) return 0;
        PyErr_Clear(); /* too large: `real` says so in its own words */
    }
    PyObject *converted = PyObject_CallOneArg(real_function, o);
    if (!converted) return -1;
    *number = PyFloat_AsDouble(converted);
    Py_DECREF(converted);
    return *number == -1.0 && PyErr_Occurred() ? -1 : 0;
}

/* The same for an operand of an operator: 1 if it is a number, 0 if it is none, so that Python asks the other operand's type. */
static int to_number_if_any(PyObject *o, double *number) {
    if (to_number(o, number) == 0) return 1;
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
    PyErr_Clear();
    return 0;
}

/* The same for arithmetic, which refuses NumPy's arrays at once: NumPy's own answer would be a riddle about ufuncs. */
static int to_operand_number(PyObject *o, double *number) {
    int found = to_number_if_any(o, number);
    if (found || !PyObject_HasAttrString(o, "__array__")) return found;
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

/* The class of a result: that of the most derived operand. */
static inline PyTypeObject *wider(PyTypeObject *kind, PyObject *operand) {
    PyTypeObject *type = Py_TYPE(operand);
    return type != kind && PyType_IsSubtype(type, kind) ? type : kind;
}

/* A node of one operand; takes no reference. */
static PyObject *unary(PyObject *self, int op) {
    Value *a = (Value *)self;
    double data = unary_forward(op, a->data);
    Value *v = LIKELY(IS_EXACT(a)) ? new_node(data, op) : new_node_of(Py_TYPE(a), data);
    if (!v) return NULL;
    Py_INCREF(a);
    v->a = a;
    v->op = (unsigned char)op;
    if (UNLIKELY(a->flags & TRACKED)) track(v);
    return made(v);
}

/* A node of two; steals the references to a and b. */
static inline PyObject *binary_node(int op, Value *a, Value *b) {
    double data = binary_forward(op, a->data, b->data);
    Value *v = LIKELY(IS_EXACT(a) && IS_EXACT(b)) ? new_node(data, op) : new_node_of(wider(wider(value_type, (PyObject *)a), (PyObject *)b), data);
    if (!v) {
        Py_DECREF(a);
        Py_DECREF(b);
        return NULL;
    }
    v->a = a;
    v->b = b;
    v->op = (unsigned char)op;
    if (UNLIKELY((a->flags | b->flags) & TRACKED)) track(v);
    return made(v);
}

static PyObject *power_number(Value *a, double exponent) {
    double data = ieee_power(a->data, exponent);
    Value *v = IS_EXACT(a) ? new_node(data, POWER_NUMBER) : new_node_of(Py_TYPE(a), data);
    if (!v) return NULL;
    Py_INCREF(a);
    v->a = a;
    v->exponent = exponent;
    v->op = POWER_NUMBER;
    if (a->flags & TRACKED) track(v);
    return made(v);
}

/* A Value as it is, a number as a new leaf. 1: *v is a new reference; 0: neither; -1: error. */
static inline int to_operand(PyObject *o, Value **v) {
    if (LIKELY(IS_EXACT(o))) {
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
    *v = new_node(number, LEAF);
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
            operand = parametric && x->n == 1 ? PyFloat_FromDouble(number) : (PyObject *)new_node(number, LEAF);
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
    if (tracked) track(v);
    return v;
failed:
    discard(x);
    return NULL;
}

/* b + w1 x1 + w2 x2 + ... of interleaved operands. */
static PyObject *dot_node(PyObject *const *operands, Py_ssize_t n) {
    Value *v = node_of(DOT, operands, n, 0, NULL);
    if (!v) return NULL;
    Value **nodes = (Value **)v->extra->operands;
    double total = n % 2 ? nodes[0]->data : 0.0;
    for (Py_ssize_t i = n % 2; i < n; i += 2) total += nodes[i]->data * nodes[i + 1]->data;
    v->data = total;
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
    while (op <= DOT && rows[op] != row) op++;
    if (op == DOT) return dot_node(operands, n);
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
            if (to_number(operands[i], &number) < 0 || !(both[i] = new_node(number, LEAF))) {
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
        result = dot_node(operands, total);
    else {
        /* Converting numbers can run code of the user's, which could change the lists: hold on to what was in them.
         * Without a Value the row decides: floats give a float, and anything else is refused or knows what to do. */
        for (Py_ssize_t i = 0; i < total; i++) Py_INCREF(operands[i]);
        result = any ? dot_node(operands, total) : PyObject_Vectorcall(rows[DOT], operands, (size_t)total, NULL);
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

/* A hand-made `_backward`, or nothing. */
static int push_by_hand(Value *v) {
    PyObject *function = v->extra->function;
    if (!function) return 0;
    Py_INCREF(function); /* it may assign another one to its own node */
    PyObject *answer = PyObject_CallNoArgs(function);
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

/* A node of the table: operand.grad += partial(operands, out) * grad, from the first operand to the last; from the last to the first
 * for an operation of any number of operands. */
static int push_row(Value *v) {
    Extra *x = v->extra;
    Py_ssize_t n = x->n, done = 0;
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
    for (; done < n; done++) {
        Py_ssize_t position = forward ? done : n - 1 - done;
        PyObject *operand = x->operands[position];
        if (!IS_VALUE(operand) || (forward && PyTuple_GET_ITEM(partials, position) == zero_function)) continue;
        PyObject *partial = partial_of(row, partials, position, data, n);
        if (!partial) goto done;
        double slope = PyFloat_AsDouble(partial);
        Py_DECREF(partial);
        if (slope == -1.0 && PyErr_Occurred()) goto done;
        ((Value *)operand)->grad += slope * v->grad;
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
        weight->grad += x->data * grad;
        x->grad += weight->data * grad;
    }
    if (start) nodes[0]->grad += grad;
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
        v->b->grad += -1.0 * grad;
        return 0;
    case MULTIPLY: {
        Value *b = v->b;
        a->grad += b->data * grad;
        b->grad += a->data * grad;
        return 0;
    }
    case DIVIDE: {
        Value *b = v->b;
        double in_b = -ieee_divide(v->data, b->data);
        a->grad += ieee_divide(1.0, b->data) * grad;
        b->grad += in_b * grad;
        return 0;
    }
    case POWER: {
        Value *b = v->b;
        double in_a = power_in_base(a->data, b->data), in_b = power_in_exponent(a->data, b->data, v->data);
        a->grad += in_a * grad;
        b->grad += in_b * grad;
        return 0;
    }
    case POWER_NUMBER: a->grad += power_in_base(a->data, v->exponent) * grad; return 0;
    case NEGATIVE: a->grad += -1.0 * grad; return 0;
    case RELU: a->grad += (a->data > 0.0 ? 1.0 : 0.0) * grad; return 0;
    case TANH: a->grad += (1.0 - v->data * v->data) * grad; return 0;
    case EXP: a->grad += v->data * grad; return 0;
    case LOG: a->grad += ieee_divide(1.0, a->data) * grad; return 0;
    case SIGMOID: a->grad += v->data * (1.0 - v->data) * grad; return 0;
    case DOT: push_dot(v); return 0;
    case ROW: return push_row(v);
    default: return push_by_hand(v);
    }
}

static PyObject *value_push(PyObject *self, PyObject *nothing UNUSED) {
    sweeping++;
    int result = push((Value *)self);
    end_of_sweep();
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

typedef struct {
    Value **items;
    size_t n, room;
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

/* Let the cyclic collector know a node and all that it depends on. Without memory for it, a cycle may stay uncollected: no more. */
static void track_all(Value *root) {
    Nodes stack = {NULL, 0, 0};
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

static uint64_t epoch; /* of the last walk */
#define SIGNALS_EVERY 65536

enum { EVERY_NODE = 1, ZERO = 2 };

/* Collect the nodes that `root` depends on, each after its operands: all of them, or without the leaves, which have nothing to push.
 * With ZERO, set their gradients to zero on the way. `leaves`, if given, gets the leaves. */
static int walk_once(Value *root, Nodes *order, Nodes *stack, Nodes *leaves, int how, int heed_signals) {
    uint64_t now = epoch = (epoch + 1) & ((UINT64_C(1) << 48) - 1);
    size_t steps = 0;
    int tracked = 0, zero = how & ZERO, every = how & EVERY_NODE;
    order->n = stack->n = 0;
    if (leaves) leaves->n = 0;
    if (!HAS_ROOM(*stack, 1)) return -1;
    stack->items[stack->n++] = root;
#define VISIT(parent)                                                           \
    do {                                                                        \
        Value *p = (parent);                                                    \
        if (p->epoch == now) break;                                             \
        if (p->op == LEAF && !every && !leaves) {                               \
            p->epoch = now;                                                     \
            p->grad = 0.0;                                                      \
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
            if (now != epoch) return 1; /* a signal handler walked through a graph and wrote its own marks */
        }
        v->epoch = now;
        if (zero) v->grad = 0.0;
        tracked |= v->flags;
        if (v->op == LEAF) {
            Nodes *into = every ? order : leaves;
            if (into) {
                if (!HAS_ROOM(*into, 1)) return -1;
                into->items[into->n++] = v;
            }
            continue;
        }
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
    return 0;
}

static int walk(Value *root, Nodes *order, Nodes *leaves, int how) {
    Nodes stack = {NULL, 0, 0};
    int result = 1;
    for (int tries = 0; result > 0; tries++) result = walk_once(root, order, &stack, leaves, how, tries < 3);
    PyMem_RawFree(stack.items);
    return result;
}

static PyObject *as_list(const Nodes *nodes) {
    PyObject *list = PyList_New((Py_ssize_t)nodes->n);
    if (list)
        for (size_t i = 0; i < nodes->n; i++) PyList_SET_ITEM(list, (Py_ssize_t)i, Py_NewRef((PyObject *)nodes->items[i]));
    return list;
}

static int sweep(const Nodes *order) {
    for (size_t i = order->n; i-- > 0;) {
#define AHEAD 12
        if (i >= AHEAD) PREFETCH(order->items[i - AHEAD]);
        if (push(order->items[i]) < 0) return -1;
        if (UNLIKELY(i % SIGNALS_EVERY == SIGNALS_EVERY - 1) && PyErr_CheckSignals() < 0) return -1;
    }
    return 0;
}

/* The sweep that `watch` asked for. */
static int watched_sweep(const Nodes *order) {
    PyObject *function = Py_NewRef(on_sweep), *list = as_list(order), *answer = list ? PyObject_CallOneArg(function, list) : NULL;
    Py_DECREF(function);
    Py_XDECREF(list);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

static int backward(Value *root) {
    Nodes order = {NULL, 0, 0};
    int result = walk(root, &order, NULL, ZERO);
    if (result == 0) {
        root->grad = 1.0;
        result = UNLIKELY(on_sweep != NULL) ? watched_sweep(&order) : sweep(&order);
    }
    PyMem_RawFree(order.items);
    return result;
}

static int backward_accumulating(Value *root) {
    Nodes order = {NULL, 0, 0}, leaves = {NULL, 0, 0};
    double *before = NULL;
    int result = walk(root, &order, &leaves, 0);
    if (result == 0 && !(before = PyMem_RawMalloc((leaves.n + 1) * sizeof(double)))) {
        PyErr_NoMemory();
        result = -1;
    }
    if (result == 0) {
        for (size_t i = 0; i < leaves.n; i++) {
            before[i] = leaves.items[i]->grad;
            leaves.items[i]->grad = 0.0;
        }
        for (size_t i = 0; i < order.n; i++) order.items[i]->grad = 0.0;
        root->grad = 1.0;
        result = UNLIKELY(on_sweep != NULL) ? watched_sweep(&order) : sweep(&order);
        for (size_t i = 0; i < leaves.n; i++) leaves.items[i]->grad = result == 0 ? before[i] + leaves.items[i]->grad : before[i];
    }
    PyMem_RawFree(order.items);
    PyMem_RawFree(leaves.items);
    PyMem_RawFree(before);
    return result;
}

static PyObject *value_backward(PyObject *self, PyObject *const *arguments, Py_ssize_t n, PyObject *keywords) {
    int accumulate = 0;
    Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    if (UNLIKELY(n || named > 1 || (named && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, 0), "accumulate"))))
        return wrong_call("backward", self, arguments, n, keywords);
    if (named && (accumulate = PyObject_IsTrue(arguments[0])) < 0) return NULL;
    sweeping++;
    int result = accumulate ? backward_accumulating((Value *)self) : backward((Value *)self);
    end_of_sweep();
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *module_topological_order(PyObject *module UNUSED, PyObject *root) {
    if (!IS_VALUE(root)) return PyObject_CallOneArg(refuse_root, root);
    Nodes order = {NULL, 0, 0};
    sweeping++;
    PyObject *list = walk((Value *)root, &order, NULL, EVERY_NODE) < 0 ? NULL : as_list(&order);
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

static PyObject *get_data(PyObject *self, void *closure UNUSED) { return PyFloat_FromDouble(((Value *)self)->data); }
static PyObject *get_grad(PyObject *self, void *closure UNUSED) { return PyFloat_FromDouble(((Value *)self)->grad); }

static int set_data(PyObject *self, PyObject *value, void *name) {
    return value ? to_number(value, &((Value *)self)->data) : not_settable(self, name, "deleter");
}
static int set_grad(PyObject *self, PyObject *value, void *name) {
    return value ? to_number(value, &((Value *)self)->grad) : not_settable(self, name, "deleter");
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
    if (v->op == LEAF) return Py_NewRef(s_empty);
    if (v->op == BY_HAND) return Py_NewRef(v->extra->name ? v->extra->name : s_empty);
    PyObject *row = row_of(v);
    if (v->op != POWER_NUMBER && v->op != ROW) return PyObject_GetAttr(row, s_name);
    PyObject *parametric = PyObject_GetAttr(row, s_parametric);
    int is_parametric = parametric ? PyObject_IsTrue(parametric) : -1;
    Py_XDECREF(parametric);
    if (is_parametric < 0) return NULL;
    if (!is_parametric) return PyObject_GetAttr(row, s_name);
    PyObject *operands = kept_operands_of(self, 1), *name = operands ? PyObject_CallFunctionObjArgs(operation_name_function, row, operands, NULL) : NULL;
    Py_XDECREF(operands);
    return name;
}

static PyMethodDef push_definition = {"_backward", value_push, METH_NOARGS, NULL};

static PyObject *get_backward(PyObject *self, void *closure UNUSED) {
    Value *v = (Value *)self;
    if (v->op == BY_HAND && v->extra->function) return Py_NewRef(v->extra->function);
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
    if (old) retire(old);
    return 0;
}

static int set_backward(PyObject *self, PyObject *function, void *name) {
    Value *v = (Value *)self;
    if (!function) return not_settable(self, name, "deleter");
    if (!PyCallable_Check(function)) {
        Py_XDECREF(PyObject_CallOneArg(refuse_backward, function));
        return -1;
    }
    if (v->op == BY_HAND) {
        Py_XSETREF(v->extra->function, Py_NewRef(function));
        track(v);
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
        if (become(v, BY_HAND, x) < 0) {
            discard(x);
            x = NULL;
        } else {
            track(v);
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
        track(v);
        track_led_to(v, value);
    }
    return 0;
}

static PyObject *get_dict(PyObject *self, void *closure) {
    track((Value *)self); /* anything may be put into it from now on */
    return PyObject_GenericGetDict(self, closure);
}

static int set_dict(PyObject *self, PyObject *value, void *closure) {
    track((Value *)self);
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

/* Value.__init__ with its arguments in order, NULL where left out. */
static int initialize(Value *v, PyObject *const *got) {
    double data;
    if (IS_VALUE(got[0])) {
        Py_XDECREF(PyObject_CallOneArg(refuse_data, got[0]));
        return -1;
    }
    if (to_number(got[0], &data) < 0) return -1;
    int has_children = got[1] ? PyObject_IsTrue(got[1]) : 0, has_op = has_children >= 0 && got[2] ? PyObject_IsTrue(got[2]) : 0;
    if (has_children < 0 || has_op < 0) return -1;
    Extra *x = NULL;
    if ((has_children || has_op) && !(x = by_hand_extra(got[1], got[2]))) return -1;
    if (become(v, x ? BY_HAND : LEAF, x) < 0) {
        if (x) discard(x);
        return -1;
    }
    v->data = data;
    v->grad = 0.0;
    if (x) track(v); /* its `_backward` is about to come */
    int has_label = got[3] ? PyObject_IsTrue(got[3]) : 0;
    if (has_label > 0) return set_label((PyObject *)v, got[3], "label");
    return has_label;
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
    return (PyObject *)new_node_of(type, 0.0);
}

static int value_init(PyObject *self, PyObject *arguments, PyObject *keywords) {
    static const char *const names[] = {"data", "_children", "_op", "label"};
    PyObject *got[4] = {NULL, NULL, NULL, NULL};
    Py_ssize_t n = PyTuple_GET_SIZE(arguments), named = 0;
    int fits = bind(got, PySequence_Fast_ITEMS(arguments), n < 5 ? n : 5, NULL) || n == 0;
    for (int i = 0; i < 4 && keywords; i++) {
        PyObject *value = PyDict_GetItemString(keywords, names[i]);
        if (!value) continue;
        fits &= !got[i];
        got[i] = value;
        named++;
    }
    if (!fits || !got[0] || (keywords && named != PyDict_GET_SIZE(keywords))) {
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
    if (initialize((Value *)self, got) < 0) return -1;
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
    Value *v = new_node(0.0, LEAF);
    if (!v) return NULL;
    if (LIKELY(PyFloat_CheckExact(got[0]) && !got[1] && !got[2] && !got[3])) {
        v->data = PyFloat_AS_DOUBLE(got[0]);
        return (PyObject *)v;
    }
    if (initialize(v, got) < 0) {
        Py_DECREF(v);
        return NULL;
    }
    return v->op == LEAF ? (PyObject *)v : made(v);
}

static PyObject *value_bare(PyObject *type, PyObject *nothing UNUSED) {
    return (PyObject *)new_node_of((PyTypeObject *)type, 0.0);
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
    twin->attributes = attributes;
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
    if (tracked & TRACKED) track(twin);
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

static PyObject *value_float(PyObject *self) { return PyFloat_FromDouble(((Value *)self)->data); }

static PyObject *value_compare(PyObject *self, PyObject *other, int op) {
    if (op == Py_EQ || op == Py_NE) { /* identity, as for any object */
        if (op == Py_EQ && self == other) Py_RETURN_TRUE;
        if (op == Py_NE && self == other) Py_RETURN_FALSE;
        Py_RETURN_NOTIMPLEMENTED;
    }
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
    PyObject *name = PyType_GetName(Py_TYPE(self)), *data = value_float(self), *grad = PyFloat_FromDouble(((Value *)self)->grad), *text = NULL;
    if (name && data && grad) text = PyUnicode_FromFormat("%U(data=%R, grad=%R)", name, data, grad);
    Py_XDECREF(name);
    Py_XDECREF(data);
    Py_XDECREF(grad);
    return text;
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
                                         {"label", get_label, set_label, NULL, "label"},
                                         {"_prev", get_prev, set_nothing, NULL, "_prev"},
                                         {"_operands", get_operands, set_nothing, NULL, "_operands"},
                                         {"_op", get_op, set_nothing, NULL, "_op"},
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

static PyMethodDef module_methods[] = {
    {"dot", METHOD(module_dot, METH_FASTCALL | METH_KEYWORDS), "(weights, inputs, bias=None)"},
    {"topological_order", module_topological_order, METH_O, "(root)"},
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
    const char *words = text ? PyUnicode_AsUTF8(text) : NULL, *signature = "Value(data, _children=(), _op=\"\", label=\"\")\n--\n\n";
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

static PyObject *take(PyObject *module, const char *name) { return module ? PyObject_GetAttrString(module, name) : NULL; }

/* Find what is shared with the reference engine; 0, or -1 with an exception. */
static int find_shared(void) {
    static const char *const names[OPERATIONS] = {NULL,       "add",  "subtract", "multiply", "divide", "power",   "power", "negative",
                                                  "relu", "tanh", "exp",      "log",      "sigmoid", "dot", NULL,    NULL};
    PyObject *primitives = PyImport_ImportModule("chainrule.primitives"), *value = PyImport_ImportModule("chainrule.value");
    PyObject *copies = PyImport_ImportModule("chainrule.copies"), *refusals = PyImport_ImportModule("chainrule.refusals");
    int result = -1;
    for (int op = 0; op < OPERATIONS; op++)
        if (names[op] && !(rows[op] = take(primitives, names[op]))) goto done;
    const struct {
        PyObject **into, *module;
        const char *name;
    } wanted[] = {{&absolute_row, primitives, "absolute"},
                  {&zero_function, primitives, "zero"},
                  {&real_function, primitives, "real"},
                  {&by_hand_rule, value, "BY_HAND"},
                  {&reference, value, "Value"},
                  {&reference_dot, value, "dot"},
                  {&operation_name_function, value, "operation_name"},
                  {&refuse_data, refusals, "refuse_data"},
                  {&refuse_child, refusals, "refuse_child"},
                  {&refuse_label, refusals, "refuse_label"},
                  {&refuse_backward, refusals, "refuse_backward"},
                  {&refuse_root, refusals, "refuse_root"},
                  {&refuse_lengths, refusals, "refuse_lengths"},
                  {&copy_function, copies, "shallow_copy"},
                  {&deep_copy_function, copies, "deep_copy"},
                  {&reduce_function, copies, "reduce"}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!(*wanted[i].into = take(wanted[i].module, wanted[i].name))) goto done;
    const struct {
        PyObject **into;
        const char *text;
    } strings[] = {{&s_forward, "forward"}, {&s_partials, "partials"}, {&s_partial, "partial"}, {&s_parametric, "parametric"},
                   {&s_name, "name"},       {&s_label, "_label"},      {&s_empty, ""}};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        if (!(*strings[i].into = PyUnicode_InternFromString(strings[i].text))) goto done;
    result = borrow_text(value_methods, reference) < 0 || borrow_text(module_methods, value) < 0 || borrow_docs() < 0 ? -1 : 0;
done:
    Py_XDECREF(primitives);
    Py_XDECREF(value);
    Py_XDECREF(copies);
    Py_XDECREF(refusals);
    return result;
}

/* The methods that are not written here are the reference's own functions, such as `sin`: most are one call of `_apply`. */
static int share_methods(PyObject *type) {
    PyObject *theirs = PyObject_GetAttrString(reference, "__dict__"), *items = theirs ? PyMapping_Items(theirs) : NULL;
    PyObject *ours = PyObject_GetAttrString(type, "__dict__");
    int result = items && ours ? 0 : -1;
    for (Py_ssize_t i = 0; result == 0 && i < PyList_GET_SIZE(items); i++) {
        PyObject *name = PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 0), *method = PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 1);
        int have = PyFunction_Check(method) ? PySequence_Contains(ours, name) : 1;
        result = have < 0 ? -1 : have ? 0 : PyObject_SetAttr(type, name, method);
    }
    Py_XDECREF(theirs);
    Py_XDECREF(items);
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
    int failed = PyObject_SetAttrString(type, "__array_ufunc__", Py_None) < 0; /* NumPy scalars and arrays leave the arithmetic to us */
    if (!failed) failed = share_methods(type) < 0;
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
