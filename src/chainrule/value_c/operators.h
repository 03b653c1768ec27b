/* Operators and methods, which take Values and numbers. */

/* A Value as it is, a number as a new leaf. 1: *v is a new reference; 0: neither; -1: error. */
static inline int to_operand(PyObject *o, Value **v) {
    if (LIKELY(IS_EXACT(o)) || Py_IS_TYPE(o, recent->type)) {
        *v = (Value *)Py_NewRef(o);
        return 1;
    }
    double number;
    if (PyFloat_CheckExact(o))
        number = PyFloat_AS_DOUBLE(o);
    else if (IS_VALUE(o)) {
        *v = (Value *)Py_NewRef(o);
        return 1;
    } else {
        int found = to_operand_number(o, &number);
        if (found <= 0) return found;
    }
    *v = new_constant(number);
    return *v ? 1 : -1;
}

static inline PyObject *binary(PyObject *left, PyObject *right, int op) {
    Value *a, *b;
    int found = to_operand(left, &a);
    if (LIKELY(found > 0)) {
        found = to_operand(right, &b);
        if (LIKELY(found > 0)) return binary_node(op, a, b);
        Py_DECREF(a);
    }
    if (found < 0) return NULL;
    Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *value_add(PyObject *left, PyObject *right) { return binary(left, right, OP_ADD); }
static PyObject *value_subtract(PyObject *left, PyObject *right) { return binary(left, right, OP_SUBTRACT); }
static PyObject *value_multiply(PyObject *left, PyObject *right) { return binary(left, right, OP_MULTIPLY); }
static PyObject *value_divide(PyObject *left, PyObject *right) { return binary(left, right, OP_DIVIDE); }

static PyObject *value_power(PyObject *base, PyObject *exponent, PyObject *modulus) {
    if (modulus != Py_None) {
        if (!IS_VALUE(base)) Py_RETURN_NOTIMPLEMENTED;
        PyErr_SetString(PyExc_TypeError, "Value.__pow__() takes 2 positional arguments but 3 were given");
        return NULL;
    }
    if (!IS_VALUE(base) || IS_VALUE(exponent)) return binary(base, exponent, OP_POWER);
    double number;
    int found = to_operand_number(exponent, &number);
    if (found < 0) return NULL;
    if (!found) Py_RETURN_NOTIMPLEMENTED;
    return number_node(OP_POWER_NUMBER, (Value *)base, number);
}

static PyObject *value_negative(PyObject *self) { return unary(self, OP_NEGATIVE); }
static PyObject *value_positive(PyObject *self) { return Py_NewRef(self); }

static PyObject *value_absolute(PyObject *self) { return unary(self, OP_ABSOLUTE); }

/* A call that the C method does not take: the reference's own method, called in the same way, says what is wrong with it. */
static PyObject *wrong_call(const char *name, PyObject *self, PyObject *const *arguments, Py_ssize_t n, PyObject *keywords) {
    PyObject *method = PyObject_GetAttrString(reference, name), *answer = NULL;
    Py_ssize_t total = n + (keywords ? PyTuple_GET_SIZE(keywords) : 0);
    PyObject **all = PyMem_Calloc((size_t)total + 1, sizeof(PyObject *));
    if (!all) PyErr_NoMemory();
    if (method && all) {
        all[0] = self;
        for (Py_ssize_t i = 0; i < total; i++) all[i + 1] = arguments[i];
        answer = PyObject_Vectorcall(method, all, (size_t)n + 1, keywords);
        if (answer) PyErr_Format(PyExc_TypeError, "wrong arguments for Value.%s()", name);
    }
    Py_XDECREF(method);
    Py_XDECREF(answer);
    PyMem_Free(all);
    return NULL;
}

#define FUNCTION(name, op)                                                                                                   \
    static PyObject *value_##name(PyObject *self, PyObject *const *arguments, Py_ssize_t n, PyObject *keywords) {            \
        if (UNLIKELY(n || keywords)) return wrong_call(#name, self, arguments, n, keywords);                                 \
        return unary(self, op);                                                                                              \
    }
FUNCTION(exp, OP_EXP)
FUNCTION(log, OP_LOG)
FUNCTION(tanh, OP_TANH)
FUNCTION(sigmoid, OP_SIGMOID)
FUNCTION(relu, OP_RELU)
