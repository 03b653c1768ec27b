/* The type `Value`. */

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
