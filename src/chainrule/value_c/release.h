/* Nodes are freed. */

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
    v->seen = 0;
    if (x) retire(x);
    Py_XDECREF(a);
    Py_XDECREF(b);
    return 0;
}
