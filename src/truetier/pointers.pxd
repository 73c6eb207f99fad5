"""The memory of an array, for compiled kernels; pointers.py is the same for those that run uncompiled."""

from cpython.array cimport array


cdef inline int* ints(array values):
    return values.data.as_ints


cdef inline double* doubles(array values):
    return values.data.as_doubles
