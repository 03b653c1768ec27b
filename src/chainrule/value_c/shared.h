/* What is shared with the engine in Python: its functions and classes, the texts of its errors, and names. */

/* X(variable, module, name) */
#define SHARED(X)                                         \
    X(zero_function, primitives, zero)                    \
    X(real_function, reals, real)                         \
    X(whole_class, reals, Whole)                          \
    X(by_hand_rule, reference, BY_HAND)                   \
    X(reference, reference, Value)                        \
    X(reference_dot, reference, dot)                      \
    X(operation_name_function, reference, operation_name) \
    X(reference_sgd_step, reference, sgd_step)            \
    X(reference_adam_step, reference, adam_step)          \
    X(refuse_data, refusals, refuse_data)                 \
    X(stand_for, refusals, stand_for)                     \
    X(refuse_child, refusals, refuse_child)               \
    X(refuse_label, refusals, refuse_label)               \
    X(refuse_backward, refusals, refuse_backward)         \
    X(refuse_root, refusals, refuse_root)                 \
    X(refuse_lengths, refusals, refuse_lengths)           \
    X(refuse_node, refusals, refuse_node)                 \
    X(refuse_numbers, refusals, refuse_numbers)           \
    X(refuse_count, refusals, refuse_count)               \
    X(report_change, changes, report)                     \
    X(look_function, conversions, look)                   \
    X(copy_function, copies, shallow_copy)                \
    X(deep_copy_function, copies, deep_copy)              \
    X(reduce_function, copies, reduce)                    \
    X(caution_of_cycle, by_hand, caution_of_cycle)        \
    X(arguments_function, by_hand, arguments)             \
    X(set_parents_function, by_hand, set_parents)         \
    X(set_name_function, by_hand, set_name)               \
    X(result_class_function, kinds, result_class)         \
    X(warn_function, thrown_away, warn)

#define DECLARE(variable, module, name) static PyObject *variable;
SHARED(DECLARE)
#undef DECLARE

static PyObject *rows[OPERATIONS]; /* of primitives.py, for the operations that are written in C */
static PyObject *s_forward, *s_partials, *s_partial, *s_parametric, *s_each, *s_choices, *s_shown, *s_named, *s_label, *s_empty, *s_takes_node;

static int find_one(PyObject **into, const char *module_name, const char *name) {
    PyObject *module = PyImport_ImportModule(module_name);
    *into = module ? PyObject_GetAttrString(module, name) : NULL;
    Py_XDECREF(module);
    return *into ? 0 : -1;
}

/* Find all of it; 0, or -1 with an exception. */
static int find_shared(void) {
#define FIND(variable, module, name) \
    if (find_one(&variable, "chainrule." #module, #name) < 0) return -1;
    SHARED(FIND)
#undef FIND
    const struct {
        PyObject **into;
        const char *text;
    } strings[] = {{&s_forward, "forward"}, {&s_partials, "partials"}, {&s_partial, "partial"}, {&s_parametric, "parametric"},
                   {&s_each, "each"},       {&s_choices, "choices"},   {&s_shown, "shown"},     {&s_label, "_label"},
                   {&s_empty, ""},          {&s_named, "_named"},      {&s_takes_node, "takes_node"}};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        if (!(*strings[i].into = PyUnicode_InternFromString(strings[i].text))) return -1;
    return 0;
}
