/* What a gradient is: a number, None, or in a sweep nothing. */

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

static uint64_t newest_mark; /* of those that were given out, see bulk.h */

static PyObject *new_mark(void) { return PyLong_FromUnsignedLongLong(newest_mark = epoch); }

/* A gradient was written. Where it was written since the newest mark already, that is known; so it is for all that a walk has reached. */
static inline void written_in(Value *v, uint64_t now) {
    if (v->epoch <= newest_mark && v->op == LEAF) v->epoch = now;
}

/* Whether a leaf's gradient was not written after `mark`. */
static inline int is_left_out(const Value *v, uint64_t mark) { return v->op == LEAF && v->epoch <= mark; }

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
