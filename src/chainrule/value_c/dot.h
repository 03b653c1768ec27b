/* `dot`: one node for a sum of products. */

static PyObject *dot_of(PyObject *weights, PyObject *inputs, PyObject *bias) {
    Py_ssize_t n = PySequence_Fast_GET_SIZE(weights), start = bias != NULL, total = 2 * n + start;
    PyObject *few[65], **operands = few, **w = PySequence_Fast_ITEMS(weights), **x = PySequence_Fast_ITEMS(inputs);
    if (total > (Py_ssize_t)(sizeof few / sizeof few[0])) {
        operands = (size_t)total > PY_SSIZE_T_MAX / sizeof(PyObject *) ? NULL : PyMem_Malloc((size_t)total * sizeof(PyObject *));
        if (!operands) return PyErr_NoMemory();
    }
    int any = bias && IS_VALUE(bias), all = !bias || IS_EXACT(bias);
    if (bias) operands[0] = bias;
    for (Py_ssize_t i = 0; i < n; i++) {
        operands[start + 2 * i] = w[i];
        operands[start + 2 * i + 1] = x[i];
        all &= IS_EXACT(w[i]) & IS_EXACT(x[i]);
    }
    if (all) any |= n > 0;
    for (Py_ssize_t i = start; i < total && !any; i++) any = IS_VALUE(operands[i]);
    PyObject *result;
    if (all && any)
        result = many_node(DOT, operands, total);
    else {
        /* Converting numbers can run code of the user's, which could change the lists: hold on to what was in them.
         * Without a Value the row decides: floats give a float, and anything else is refused or knows what to do. */
        for (Py_ssize_t i = 0; i < total; i++) Py_INCREF(operands[i]);
        result = any ? many_node(DOT, operands, total) : PyObject_Vectorcall(rows[DOT], operands, (size_t)total, NULL);
        for (Py_ssize_t i = 0; i < total; i++) Py_DECREF(operands[i]);
    }
    if (operands != few) PyMem_Free(operands);
    return result;
}

static PyObject *module_dot(PyObject *module UNUSED, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    static const char *const names[] = {"weights", "inputs", "bias"};
    PyObject *got[3] = {NULL, NULL, NULL};
    Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    int fits = count <= 3;
    for (Py_ssize_t i = 0; fits && i < count; i++) got[i] = arguments[i];
    for (Py_ssize_t k = 0; fits && k < named; k++) {
        int i = 0;
        while (i < 3 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, k), names[i])) i++;
        if (i < 3 && !got[i]) got[i] = arguments[count + k];
        else fits = 0;
    }
    if (!fits || !got[0] || !got[1]) return PyObject_Vectorcall(reference_dot, arguments, (size_t)count, keywords); /* says what is wrong */
    /* Going through `inputs` may run code of the user's that changes the list of weights. */
    int plain = PyList_CheckExact(got[1]) || PyTuple_CheckExact(got[1]);
    PyObject *weights = plain && (PyList_CheckExact(got[0]) || PyTuple_CheckExact(got[0])) ? Py_NewRef(got[0]) : PySequence_List(got[0]);
    if (!weights) return NULL;
    PyObject *inputs = plain ? Py_NewRef(got[1]) : PySequence_List(got[1]);
    PyObject *result = NULL;
    if (inputs) {
        Py_ssize_t m = PySequence_Fast_GET_SIZE(weights), n = PySequence_Fast_GET_SIZE(inputs);
        result = m == n ? dot_of(weights, inputs, got[2] == Py_None ? NULL : got[2]) : PyObject_CallFunction(refuse_lengths, "nn", m, n);
    }
    Py_DECREF(weights);
    Py_XDECREF(inputs);
    return result;
}
