/* The operations of the table by their numbers. */

#define CASE(op, name) \
    case op: return forward_##name(a);
static inline double unary_forward(int op, double a) {
    switch (op) {
        UNARY_ROWS(CASE)
    default: return (double)NAN;
    }
}
#undef CASE

#define CASE(op, name) \
    case op: return forward_##name(a, b);
static inline double binary_forward(int op, double a, double b) {
    switch (op) {
        BINARY_ROWS(CASE)
    default: return (double)NAN;
    }
}

/* The same for an operation to which the second number belongs. */
static inline double number_forward(int op, double a, double b) {
    switch (op) {
        NUMBER_ROWS(CASE)
    default: return (double)NAN;
    }
}
#undef CASE

#define CASE(op, name) \
    case op: return forward_##name(nodes[0]->data, nodes[1]->data, nodes[2]->data);
static double ternary_forward(int op, Value *const *nodes) {
    switch (op) {
        TERNARY_ROWS(CASE)
    default: return (double)NAN;
    }
}
#undef CASE

/* b + w1 x1 + w2 x2 + ... of interleaved operands. */
static double dot_forward(Value *const *nodes, Py_ssize_t n) {
    double total = n % 2 ? nodes[0]->data : 0.0;
    for (Py_ssize_t i = n % 2; i < n; i += 2) total += nodes[i]->data * nodes[i + 1]->data;
    return total;
}

/* The largest of the operands, or 0 if one of them is nan or the largest is infinite. */
static double largest_forward(Value *const *nodes, Py_ssize_t n) {
    double top = n ? nodes[0]->data : 0.0;
    int all_numbers = 1;
    for (Py_ssize_t i = 0; i < n; i++) {
        double data = nodes[i]->data;
        all_numbers &= data == data;
        if (data > top) top = data;
    }
    return all_numbers && isfinite(top) ? top : 0.0;
}

/* The position of the operand that the first one, an index counted from 0, is the number of; 0 if there is none. */
static Py_ssize_t taken(Value *const *nodes, Py_ssize_t n) {
    double index = nodes[0]->data;
    return 0.0 <= index && index < (double)(n - 1) && index == floor(index) ? (Py_ssize_t)index + 1 : 0;
}

static double take_forward(Value *const *nodes, Py_ssize_t n) {
    Py_ssize_t position = n ? taken(nodes, n) : 0;
    return position ? nodes[position]->data : (double)NAN;
}

static double many_forward(const Value *v) {
    Value *const *nodes = (Value **)v->extra->operands;
    switch (v->op) {
    case DOT: return dot_forward(nodes, v->extra->n);
    case LARGEST: return largest_forward(nodes, v->extra->n);
    case TAKE: return take_forward(nodes, v->extra->n);
    default: return ternary_forward(v->op, nodes);
    }
}

static int with_number[OPERATIONS]; /* of an operation of two operands: the one to which the second, a number, belongs; or 0 */

#define ROW_PLACES 512
typedef char there_is_room_for_all[OPERATIONS < ROW_PLACES / 4 && OPERATIONS < UINT8_MAX ? 1 : -1];
static struct {
    PyObject *row;
    int op;
} row_places[ROW_PLACES]; /* by address: each at the first free place from its own on */

static size_t place_of(PyObject *row) {
    size_t place = ((uintptr_t)row >> 4) % ROW_PLACES;
    while (row_places[place].row && row_places[place].row != row) place = (place + 1) % ROW_PLACES;
    return place;
}

/* The operation that a row is; ROW if it is none of those in C. */
static int operation_of(PyObject *row) {
    const size_t place = place_of(row);
    return row_places[place].row ? row_places[place].op : ROW;
}

/* Find the rows of the operations; 0, or -1 with an exception. */
static int find_rows(void) {
#define ENTRY(op, name) [op] = #name,
    static const char *const names[OPERATIONS] = {BINARY_ROWS(ENTRY) NUMBER_ROWS(ENTRY) UNARY_ROWS(ENTRY) TERNARY_ROWS(ENTRY)
                                                  [DOT] = "dot", [LARGEST] = "largest", [TAKE] = "take"};
#undef ENTRY
    for (int op = 0; op < OPERATIONS; op++) {
        if (!names[op]) continue;
        if (find_one(&rows[op], "chainrule.primitives", names[op]) < 0) return -1;
        const size_t place = place_of(rows[op]);
        if (row_places[place].row) with_number[row_places[place].op] = op;
        row_places[place].row = rows[op];
        if (!with_number[row_places[place].op]) row_places[place].op = op;
    }
    return 0;
}
