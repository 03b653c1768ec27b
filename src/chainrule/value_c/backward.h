/* `backward()`: a walk, and the sweep back. */

/* What has been passed nothing has the gradient 0 for whoever looks at it. */
static int zero_the_rest(const Nodes *order, size_t count, int result) {
    for (size_t i = 0; i < count; i++)
        if (IS_NOTHING(order->items[i]->grad)) order->items[i]->grad = 0.0;
    return result;
}

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
    int result = walk(&root, 1, &order, &leaves, LOOK);
    if (result == 0 && UNLIKELY(order.flags & SUSPECT)) result = refuse_changed(root, &order);
    if (result == 0) {
        for (size_t i = 0; i < order.n; i++) order.items[i]->grad = or_zero(order.items[i]->grad) + 0.0;
        for (size_t i = 0; i < leaves.n; i++) {
            leaves.items[i]->grad = or_zero(leaves.items[i]->grad);
            leaves.items[i]->epoch = epoch;
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
    int result = walk(&root, 1, &order, &leaves, LOOK);
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
            leaves.items[i]->epoch = walked;
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
    PyObject *list = walk((Value **)&root, 1, &order, NULL, LOOK) < 0 ? NULL : as_list(&order);
    end_of_sweep();
    PyMem_RawFree(order.items);
    return list;
}
