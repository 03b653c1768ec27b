/* What the user gives becomes a number. */

static PyTypeObject *number_type; /* of the last object that `real` converted, which looks at nothing but the type: such as numpy.float64 */

/* What reals.real makes of an object; the everyday types are converted here. Of a refused object, `number` keeps nothing. */
static int to_number(PyObject *o, double *number) {
    double converted;
    if (PyFloat_CheckExact(o)) {
        *number = PyFloat_AS_DOUBLE(o);
        return 0;
    }
    if (PyLong_CheckExact(o)) {
        converted = PyLong_AsDouble(o);
        if (converted != -1.0 || !PyErr_Occurred()) {
            *number = converted;
            return 0;
        }
        PyErr_Clear(); /* too large: `real` says so in its own words */
    }
    PyObject *answer = NULL;
    if (Py_TYPE(o) == number_type && !(answer = PyNumber_Float(o))) PyErr_Clear(); /* again, for `real` to say what is wrong */
    if (!answer && !(answer = PyObject_CallOneArg(real_function, o))) return -1;
    if (UNLIKELY(Py_TYPE(o) != number_type)) Py_XSETREF(number_type, (PyTypeObject *)Py_NewRef((PyObject *)Py_TYPE(o)));
    converted = PyFloat_AsDouble(answer);
    Py_DECREF(answer);
    if (converted == -1.0 && PyErr_Occurred()) return -1;
    *number = converted;
    return 0;
}

/* The same for an operand of an operator: 1 if it is a number, 0 if it is none, so that Python asks the other operand's type. */
static int to_number_if_any(PyObject *o, double *number) {
    if (to_number(o, number) == 0) return 1;
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
    PyErr_Clear();
    return 0;
}

/* The same for arithmetic. An array goes through it element by element, by its own operators; another of NumPy's scalars, such as a
 * complex one, is refused at once. */
static int to_operand_number(PyObject *o, double *number) {
    int found = to_number_if_any(o, number);
    if (found || !PyObject_HasAttrString(o, "__array__") || PyObject_HasAttrString((PyObject *)Py_TYPE(o), "__len__")) return found;
    return to_number(o, number);
}
