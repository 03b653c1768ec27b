/* What may be part of a cycle is made known to Python's cyclic collector. */

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
