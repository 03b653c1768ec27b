/* The operations on floats. */

static double ieee_divide(double a, double b) {
    if (UNLIKELY(b == 0.0)) return a == 0.0 || isnan(a) ? (double)NAN : copysign(HUGE_VAL, a) * copysign(1.0, b);
    return a / b;
}

static double ieee_log(double a) {
    if (LIKELY(a > 0.0)) return log(a);
    return isnan(a) ? a : a == 0.0 ? -HUGE_VAL : (double)NAN;
}

static double ieee_power(double a, double b) {
    double result = pow(a, b);
    return isnan(result) && !isnan(a) && !isnan(b) ? (double)NAN : result;
}

static double sigmoid(double a) {
    if (a >= 0.0) return 1.0 / (1.0 + exp(-a));
    double e = exp(a);
    return e / (1.0 + e);
}

static inline double unary_forward(int op, double a) {
    switch (op) {
    case NEGATIVE: return -a;
    case RELU: return a < 0.0 ? 0.0 : a;
    case TANH: return tanh(a);
    case EXP: return exp(a);
    case LOG: return ieee_log(a);
    default: return sigmoid(a);
    }
}

static inline double binary_forward(int op, double a, double b) {
    switch (op) {
    case ADD: return a + b;
    case SUBTRACT: return a - b;
    case MULTIPLY: return a * b;
    case DIVIDE: return ieee_divide(a, b);
    default: return ieee_power(a, b);
    }
}

/* The derivative of tanh, computed from the operand where 1 - t t would lose digits. */
static double tanh_slope(double a, double t) {
    if (LIKELY(-2.0 < a && a < 2.0)) return 1.0 - t * t;
    double e = exp(-2.0 * fabs(a));
    return 4.0 * e / ((1.0 + e) * (1.0 + e));
}

/* The same of the sigmoid, s (1 - s). */
static double sigmoid_slope(double a, double s) {
    if (LIKELY(a < 2.0)) return s * (1.0 - s);
    double e = exp(-fabs(a));
    return e / ((1.0 + e) * (1.0 + e));
}
