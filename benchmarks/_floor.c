/* The floor under any engine: a type whose operators compute nothing. Each makes one object and keeps its operands alive in it, which is
 * the least that a graph of scalars can cost; what an engine takes beyond that is its own. No gradients come of it. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

typedef struct Node {
    PyObject_HEAD
    double data;
    double grad;
    struct Node *a, *b; /* `a` links the free list */
} Node;

static PyTypeObject node_type;
static Node *free_nodes;
static int freed, emptying;

static inline Node *new_node(double data, PyObject *a, PyObject *b) {
    Node *v = free_nodes;
    if (v) {
        free_nodes = v->a;
        freed--;
        Py_SET_REFCNT((PyObject *)v, 1);
    } else if (!(v = PyObject_New(Node, &node_type)))
        return NULL;
    v->data = data;
    v->grad = 0.0;
    v->a = (Node *)Py_XNewRef(a);
    v->b = (Node *)Py_XNewRef(b);
    return v;
}

static void dealloc(PyObject *self) {
    static Node *stack[1 << 20]; /* operands that wait to be released */
    static size_t n;
    Node *v = (Node *)self;
    stack[n++] = v;
    if (emptying) return;
    emptying = 1;
    while (n) {
        v = stack[--n];
        Node *a = v->a, *b = v->b;
        if (freed < 131072) {
            v->a = free_nodes;
            free_nodes = v;
            freed++;
        } else
            PyObject_Free(v);
        Py_XDECREF((PyObject *)a);
        Py_XDECREF((PyObject *)b);
    }
    emptying = 0;
}

static PyObject *binary(PyObject *a, PyObject *b) {
    if (!Py_IS_TYPE(a, &node_type)) a = NULL;
    if (!Py_IS_TYPE(b, &node_type)) b = NULL;
    return (PyObject *)new_node(0.0, a, b);
}
static PyObject *power(PyObject *a, PyObject *b, PyObject *c) {
    (void)c;
    return binary(a, b);
}
static PyObject *unary(PyObject *a) { return (PyObject *)new_node(0.0, a, NULL); }
static PyObject *unary_method(PyObject *a, PyObject *nothing) {
    (void)nothing;
    return unary(a);
}
static PyObject *backward(PyObject *self, PyObject *nothing) {
    (void)self;
    (void)nothing;
    Py_RETURN_NONE;
}
static PyObject *vectorcall(PyObject *type, PyObject *const *arguments, size_t n, PyObject *names) {
    (void)type;
    (void)names;
    double data = PyVectorcall_NARGS(n) ? PyFloat_AsDouble(arguments[0]) : 0.0;
    return data == -1.0 && PyErr_Occurred() ? NULL : (PyObject *)new_node(data, NULL, NULL);
}
static PyObject *dot(PyObject *module, PyObject *const *arguments, Py_ssize_t n) {
    (void)module;
    return (PyObject *)new_node(0.0, n > 2 ? arguments[2] : NULL, NULL);
}

static PyMemberDef members[] = {{"data", T_DOUBLE, offsetof(Node, data), 0, NULL}, {"grad", T_DOUBLE, offsetof(Node, grad), 0, NULL}, {NULL, 0, 0, 0, NULL}};
static PyMethodDef methods[] = {{"backward", backward, METH_NOARGS, NULL},
                                {"relu", unary_method, METH_NOARGS, NULL},
                                {"tanh", unary_method, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};
static PyNumberMethods number = {.nb_add = binary, .nb_subtract = binary, .nb_multiply = binary, .nb_true_divide = binary, .nb_power = power, .nb_negative = unary};
static PyTypeObject node_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_floor.Value",
    .tp_basicsize = sizeof(Node),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = dealloc,
    .tp_as_number = &number,
    .tp_members = members,
    .tp_methods = methods,
    .tp_new = PyType_GenericNew,
    .tp_vectorcall = vectorcall,
};
static PyMethodDef functions[] = {{"dot", (PyCFunction)(void (*)(void))dot, METH_FASTCALL, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_floor", .m_size = -1, .m_methods = functions};

PyMODINIT_FUNC PyInit__floor(void) {
    PyObject *module = PyType_Ready(&node_type) < 0 ? NULL : PyModule_Create(&definition);
    if (module && PyModule_AddObjectRef(module, "Value", (PyObject *)&node_type) < 0) Py_CLEAR(module);
    return module;
}
