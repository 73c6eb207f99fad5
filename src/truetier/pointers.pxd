"""The memory of an array or of bytes, for compiled kernels; pointers.py is the same for those that run uncompiled."""

from cpython.array cimport array
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.unicode cimport PyUnicode_1BYTE_DATA


cdef inline int* ints(array values):
    return values.data.as_ints


cdef inline double* doubles(array values):
    return values.data.as_doubles


cdef inline long long* longlongs(array values):
    return values.data.as_longlongs


cdef inline unsigned long long* words(array values):
    return values.data.as_ulonglongs


cdef inline int* room_of_ints(bytearray room):
    return <int*> PyByteArray_AS_STRING(room)


cdef inline unsigned long long* room_of_words(bytearray room):
    return <unsigned long long*> PyByteArray_AS_STRING(room)


cdef inline double* room_of_doubles(bytearray room):
    return <double*> PyByteArray_AS_STRING(room)


cdef extern from *:
    """
    #if defined(_MSC_VER)
    #include <intrin.h>
    static __inline int truetier_lowest(unsigned long long word) { unsigned long at; _BitScanForward64(&at, word); return (int)at; }
    #else
    #define truetier_lowest(word) __builtin_ctzll(word)
    #endif
    """
    int lowest "truetier_lowest"(unsigned long long word) noexcept nogil


cdef inline unsigned char* characters(bytes content):
    return <unsigned char*> content


cdef inline unsigned char* signs(str text):
    return <unsigned char*> PyUnicode_1BYTE_DATA(text)


cdef inline unsigned char* memory(object given) except? NULL:
    cdef Py_buffer view
    PyObject_GetBuffer(given, &view, PyBUF_SIMPLE)
    cdef unsigned char* start = <unsigned char*> view.buf
    PyBuffer_Release(&view)
    return start


cdef inline long long size_of(object given) except -1:
    cdef Py_buffer view
    PyObject_GetBuffer(given, &view, PyBUF_SIMPLE)
    cdef long long size = view.len
    PyBuffer_Release(&view)
    return size


cdef extern from "string.h" nogil:
    void* memmove(void* target, const void* source, size_t size)


cdef inline unsigned char* room_of_signs(bytearray room):
    return <unsigned char*> PyByteArray_AS_STRING(room)


cdef inline void put(unsigned char* room, long long place, unsigned char sign) noexcept nogil:
    room[place] = sign


cdef inline void copy(unsigned char* room, long long place, const unsigned char* source, long long begin, long long end) noexcept nogil:
    memmove(room + place, source + begin, end - begin)
