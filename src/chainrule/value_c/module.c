/* Value as a C extension type: the same as value.py, to the last bit, but for speed and memory.
 *
 * value.py is the reference, and holds what both engines share, such as the methods that are seldom called; refusals.py has the texts of
 * errors. The operations are those of the table in primitives.py: rows.h, which write_rows.py makes of it, has them in C.
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
#include "basics.h"
#include "arithmetic.h"
#include "rows.h"
#include "node.h"
#include "shared.h"
#include "allocation.h"
#include "release.h"
#include "gradients.h"
#include "numbers.h"
#include "operations.h"
#include "watching.h"
#include "building.h"
#include "operators.h"
#include "dot.h"
#include "pushing.h"
#include "nodes.h"
#include "cycles.h"
#include "walk.h"
#include "changes.h"
#include "backward.h"
#include "properties.h"
#include "by_hand.h"
#include "attributes.h"
#include "making.h"
#include "copying.h"
#include "conversions.h"
#include "flattening.h"
#include "bulk.h"
#include "steps.h"
#include "type.h"

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

static int borrow_texts(void) {
    PyObject *value = PyImport_ImportModule("chainrule.reference");
    int result = !value || borrow_text(value_methods, reference) < 0 || borrow_text(module_methods, value) < 0 || borrow_docs() < 0 ? -1 : 0;
    Py_XDECREF(value);
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
    if (!value_type && (find_shared() < 0 || find_rows() < 0 || borrow_texts() < 0 || make_type(module) < 0)) return -1; /* once, however often the module is imported */
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
