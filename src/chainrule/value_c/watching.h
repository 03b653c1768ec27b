/* Who is asked or told: a guard in this thread, and what `watch` was given. */

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

static PyObject *on_made, *on_sweep; /* what `watch` was given, or NULL */

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
