/* Arithmetic on floats as IEEE 754 has it, where C leaves the sign of a nan open; see primitives.py. */

static inline double in_domain(double result, double a) { return UNLIKELY(isnan(result)) && !isnan(a) ? (double)NAN : result; }

static double ieee_divide(double a, double b) {
    if (UNLIKELY(b == 0.0)) return a == 0.0 || isnan(a) ? (double)NAN : copysign(HUGE_VAL, a) * copysign(1.0, b);
    return a / b;
}

static double ieee_power(double a, double b) {
    double result = pow(a, b);
    return isnan(result) && !isnan(a) && !isnan(b) ? (double)NAN : result;
}
