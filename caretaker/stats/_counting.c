/*
 * Times into the buckets of histograms, many in one call (decision 0043).
 *
 * The functions are those of caretaker/stats/counting.py, and count the same. Nothing here is kept
 * from one call to the next.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>

#define INTERFACE 1   /* as caretaker/c_parts.py has it */
#define BUCKETS 3072  /* of 64 in an octave, up to 2^48 microseconds; a larger one is rare */
#define ALIKE 100     /* milliseconds; shorter times are rounded to whole ones by Locust */

typedef struct {
    double total, shortest, longest;
} Extent;

/* Add to the number of a key. */
static int add(PyObject *counts, PyObject *key, long number) {
    PyObject *before = PyDict_GetItemWithError(counts, key);
    if (before == NULL && PyErr_Occurred()) return -1;
    if (before != NULL) {
        long own = PyLong_AsLong(before);
        if (own == -1 && PyErr_Occurred()) return -1;
        number += own;
    }
    PyObject *after = PyLong_FromLong(number);
    if (after == NULL) return -1;
    int result = PyDict_SetItem(counts, key, after);
    Py_DECREF(after);
    return result;
}

static int add_at(PyObject *counts, long key, long number) {
    PyObject *made = PyLong_FromLong(key);
    if (made == NULL) return -1;
    int result = add(counts, made, number);
    Py_DECREF(made);
    return result;
}

/* Add all numbers that are not 0, by their index. */
static int add_all(PyObject *counts, const int *numbers, long size) {
    for (long index = 0; index < size; index++)
        if (numbers[index] && add_at(counts, index, numbers[index]) < 0) return -1;
    return 0;
}

/* The time at an index; -1 with an exception if it is no number. Calls no code of Python. */
static double time_at(PyObject *times, Py_ssize_t index) {
    PyObject *time = PySequence_Fast_GET_ITEM(times, index);
    if (PyFloat_Check(time)) return PyFloat_AS_DOUBLE(time);
    if (PyLong_Check(time)) return PyLong_AsDouble(time);
    PyErr_SetString(PyExc_TypeError, "a time must be a number");
    return -1.0;
}

static void extend(Extent *extent, double time, Py_ssize_t index) {
    if (index == 0) {
        *extent = (Extent){time, time, time};
        return;
    }
    extent->total += time;
    if (time < extent->shortest) extent->shortest = time;
    if (time > extent->longest) extent->longest = time;
}

/* Count times in buckets; scale makes the number of a bucket of a natural logarithm. */
static int count_in_buckets(PyObject *buckets, PyObject *times, double scale, Extent *extent) {
    int numbers[BUCKETS] = {0};
    long end = 0;  /* behind the highest bucket */
    for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(times); index++) {
        double seconds = time_at(times, index);
        if (seconds == -1.0 && PyErr_Occurred()) return -1;
        extend(extent, seconds, index);
        double bucket = seconds > 1e-6 ? log(seconds * 1e6) * scale : 0.0;
        if (bucket < BUCKETS) {
            numbers[(long)bucket]++;
            if ((long)bucket >= end) end = (long)bucket + 1;
        } else if (!isfinite(bucket)) {
            PyErr_SetString(PyExc_OverflowError, "a time without an end");
            return -1;
        } else if (add_at(buckets, (long)bucket, 1) < 0) {
            return -1;
        }
    }
    return add_all(buckets, numbers, end);
}

/* Count a time by what a function of Python makes of it. */
static int count_by(PyObject *counts, double milliseconds, PyObject *rounded) {
    PyObject *time = PyFloat_FromDouble(milliseconds);
    PyObject *key = time == NULL ? NULL : PyObject_CallOneArg(rounded, time);
    int result = key == NULL ? -1 : add(counts, key, 1);
    Py_XDECREF(key);
    Py_XDECREF(time);
    return result;
}

static int count_rounded(PyObject *counts, PyObject *times, PyObject *rounded, Extent *extent) {
    int numbers[ALIKE + 1] = {0};
    /* The function may do anything, so the size is looked up each time. */
    for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(times); index++) {
        double seconds = time_at(times, index);
        if (seconds == -1.0 && PyErr_Occurred()) return -1;
        double milliseconds = seconds * 1000;
        extend(extent, milliseconds, index);
        if (milliseconds >= 0 && milliseconds < ALIKE) {
            numbers[(int)rint(milliseconds)]++; /* to even, as Python's round does */
        } else if (count_by(counts, milliseconds, rounded) < 0) {
            return -1;
        }
    }
    return add_all(counts, numbers, ALIKE + 1);
}

static PyObject *extent_of(const Extent *extent) {
    return Py_BuildValue("ddd", extent->total, extent->shortest, extent->longest);
}

PyDoc_STRVAR(count_times_doc, "count_times(buckets, seconds, scale) -> total, shortest, longest");

static PyObject *count_times(PyObject *module, PyObject *arguments) {
    PyObject *buckets, *given;
    double scale;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O!Od", &PyDict_Type, &buckets, &given, &scale)) return NULL;
    PyObject *times = PySequence_Fast(given, "times must be a list or a tuple");
    if (times == NULL) return NULL;
    Extent extent = {0};
    int result = count_in_buckets(buckets, times, scale, &extent);
    Py_DECREF(times);
    return result < 0 ? NULL : extent_of(&extent);
}

PyDoc_STRVAR(count_milliseconds_doc,
             "count_milliseconds(counts, seconds, rounded) -> total, shortest, longest\n\n"
             "Of less than 100 ms it is not asked what they are rounded to.");

static PyObject *count_milliseconds(PyObject *module, PyObject *arguments) {
    PyObject *counts, *given, *rounded;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O!OO", &PyDict_Type, &counts, &given, &rounded)) return NULL;
    PyObject *times = PySequence_Fast(given, "times must be a list or a tuple");
    if (times == NULL) return NULL;
    Extent extent = {0};
    int result = count_rounded(counts, times, rounded, &extent);
    Py_DECREF(times);
    return result < 0 ? NULL : extent_of(&extent);
}

static PyMethodDef methods[] = {
    {"count_times", count_times, METH_VARARGS, count_times_doc},
    {"count_milliseconds", count_milliseconds, METH_VARARGS, count_milliseconds_doc},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module) {
    return PyModule_AddIntMacro(module, INTERFACE);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_counting",
    .m_doc = "Times into the buckets of histograms, many in one call.",
    .m_methods = methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__counting(void) {
    return PyModuleDef_Init(&definition);
}
