/* The walk through a graph, without recursion: all that a node depends on, each node after its operands. */

#define SIGNALS_EVERY 65536

enum { LOOK, ZERO };

static inline void zero_leaf(Value *v, uint64_t now, uint64_t since) {
    if (UNLIKELY(v->epoch >= since) && !(v->flags & CONSTANT) && v->grad != 0.0) thrown_away = 1;
    v->grad = 0.0;
    v->epoch = now;
}

/* Collect the nodes that the roots depend on, each after its operands. ZERO sets their gradients to zero on the way, and leaves out the
 * leaves, which have nothing to push; LOOK changes nothing. Then `leaves`, if given, gets the leaves. */
static INLINE int walk_once(Value *const *roots, size_t count, Nodes *order, Nodes *stack, Nodes *leaves, const int how, int heed_signals) {
    if (epoch + 2 >= LAST_EPOCH) epoch = 0;
    const uint64_t now = epoch + 1, since = last_assignment, gradients_since = unread;
    epoch = now + 1; /* of what is made meanwhile */
    size_t steps = 0;
    int tracked = 0;
    const int zero = how == ZERO;
    order->n = stack->n = 0;
    if (leaves) leaves->n = 0;
    if (!HAS_ROOM(*stack, count)) return -1;
    while (count-- > 0) stack->items[stack->n++] = roots[count];
#define VISIT(parent)                                                           \
    do {                                                                        \
        Value *p = (parent);                                                    \
        if (p->epoch == now) break;                                             \
        if (p->op == LEAF && zero) {                                            \
            zero_leaf(p, now, gradients_since);                                 \
            tracked |= p->flags;                                                \
        } else if (p->op != LEAF || p->seen != now)                             \
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
        if (v->op == LEAF) {
            tracked |= v->flags;
            if (zero) {
                zero_leaf(v, now, gradients_since);
                continue;
            }
            if (v->seen == now) continue;
            v->seen = now;
            Nodes *into = leaves ? leaves : order;
            if (!HAS_ROOM(*into, 1)) return -1;
            into->items[into->n++] = v;
            continue;
        }
        const uint64_t stamp = v->epoch;
        v->epoch = now;
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
    for (int tries = 0; result > 0; tries++)
        result = how == ZERO ? walk_once(roots, count, order, &stack, NULL, ZERO, tries < 3)
                             : walk_once(roots, count, order, &stack, leaves, LOOK, tries < 3);
    keep(&kept_stack, stack);
    return result;
}
