/* Rows of a text result set, taken apart in bulk.
 *
 * MySQL Reference, "Client/Server Protocol", "Text Resultset": each row is a packet of length-encoded strings, 0xFB for
 * NULL. Only ordinary packets and values are taken here: whatever else comes is left to PyMySQL, and a value to its
 * converter.
 */
#define Py_LIMITED_API 0x030D0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

/* What ended a call. */
enum { MORE_BYTES, ENOUGH_ROWS, OTHER_PACKET, TORN_ROW };

/* A packet of this length goes on in the next one. */
#define CONTINUED 0xFFFFFF
#define NULL_VALUE 0xFB
#define LONGEST_INTEGER 18
#define LONGEST_FLOAT 39

typedef struct {
    PyObject *date;
    PyObject *datetime;
    PyObject *decimal;
} State;

typedef struct {
    /* s text, b bytes, i integer, n decimal, f float, d date, m datetime; o: the converter is asked. */
    char kind;
    PyObject *converter;
    /* For the converter: whether it takes text. */
    int text;
} Column;

static int
two(const unsigned char *digits)
{
    return (digits[0] - '0') * 10 + (digits[1] - '0');
}

static int
all_digits(const unsigned char *text, const char *pattern)
{
    for (; *pattern; pattern++, text++)
        if (*pattern == '0' ? *text < '0' || *text > '9' : *text != (unsigned char)*pattern)
            return 0;
    return 1;
}

static PyObject *
call(PyObject *type, const int *values, Py_ssize_t count)
{
    PyObject *numbers[8], *made = NULL;
    Py_ssize_t index = 0;
    for (; index < count; index++) {
        numbers[index + 1] = PyLong_FromLong(values[index]);
        if (numbers[index + 1] == NULL)
            break;
    }
    if (index == count)
        made = PyObject_Vectorcall(type, numbers + 1, (size_t)count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    while (index-- > 0)
        Py_DecRef(numbers[index + 1]);
    return made;
}

static PyObject *
convert(const Column *column, const unsigned char *data, Py_ssize_t size)
{
    PyObject *raw = column->text ? PyUnicode_DecodeUTF8((const char *)data, size, NULL)
                                 : PyBytes_FromStringAndSize((const char *)data, size);
    if (raw == NULL || column->converter == Py_None)
        return raw;
    PyObject *made = PyObject_CallFunctionObjArgs(column->converter, raw, NULL);
    Py_DecRef(raw);
    return made;
}

static PyObject *
integer(const Column *column, const unsigned char *data, Py_ssize_t size)
{
    int negative = size > 0 && data[0] == '-';
    if (size - negative < 1 || size - negative > LONGEST_INTEGER)
        return convert(column, data, size);
    long long value = 0;
    for (Py_ssize_t index = negative; index < size; index++) {
        if (data[index] < '0' || data[index] > '9')
            return convert(column, data, size);
        value = value * 10 + (data[index] - '0');
    }
    return PyLong_FromLongLong(negative ? -value : value);
}

static PyObject *
floating(const Column *column, const unsigned char *data, Py_ssize_t size)
{
    char text[LONGEST_FLOAT + 1], *end;
    if (size < 1 || size > LONGEST_FLOAT)
        return convert(column, data, size);
    for (Py_ssize_t index = 0; index < size; index++) {
        if (strchr("+-.0123456789Ee", data[index]) == NULL || data[index] == 0)
            return convert(column, data, size);
        text[index] = (char)data[index];
    }
    text[size] = 0;
    double value = PyOS_string_to_double(text, &end, NULL);
    if (value == -1.0 && PyErr_Occurred())
        PyErr_Clear();
    else if (end == text + size)
        return PyFloat_FromDouble(value);
    return convert(column, data, size);
}

static PyObject *
moment(const State *state, const Column *column, const unsigned char *data, Py_ssize_t size)
{
    PyObject *made = NULL;
    if (column->kind == 'd' && size == 10 && all_digits(data, "0000-00-00")) {
        int values[3] = {two(data) * 100 + two(data + 2), two(data + 5), two(data + 8)};
        made = call(state->date, values, 3);
    }
    else if (column->kind == 'm' && (size == 19 || size == 26) && all_digits(data, "0000-00-00 00:00:00")
             && (size == 19 || all_digits(data + 19, ".000000"))) {
        int values[7] = {two(data) * 100 + two(data + 2), two(data + 5), two(data + 8), two(data + 11), two(data + 14),
                         two(data + 17), 0};
        if (size == 26)
            values[6] = two(data + 20) * 10000 + two(data + 22) * 100 + two(data + 24);
        made = call(state->datetime, values, size == 26 ? 7 : 6);
    }
    else
        return convert(column, data, size);
    if (made == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        /* No calendar has this day: the converter says what becomes of it. */
        PyErr_Clear();
        return convert(column, data, size);
    }
    return made;
}

/* Text, also with halves of surrogate pairs, which servers take for characters. */
static PyObject *
utf8_text(const unsigned char *data, Py_ssize_t size)
{
    PyObject *made = PyUnicode_DecodeUTF8((const char *)data, size, NULL);
    if (made == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        made = PyUnicode_DecodeUTF8((const char *)data, size, "surrogatepass");
    }
    return made;
}

static PyObject *
value_of(const State *state, const Column *column, const unsigned char *data, Py_ssize_t size)
{
    switch (column->kind) {
    case 's':
        return utf8_text(data, size);
    case 'b':
        return PyBytes_FromStringAndSize((const char *)data, size);
    case 'i':
        return integer(column, data, size);
    case 'n': {
        PyObject *text = PyUnicode_DecodeUTF8((const char *)data, size, NULL);
        if (text == NULL)
            return NULL;
        PyObject *made = PyObject_CallFunctionObjArgs(state->decimal, text, NULL);
        Py_DecRef(text);
        return made;
    }
    case 'f':
        return floating(column, data, size);
    case 'd':
    case 'm':
        return moment(state, column, data, size);
    default:
        return convert(column, data, size);
    }
}

/* The row of one packet; NULL with no error set when its values do not fill it exactly. */
static PyObject *
row_of(const State *state, const Column *columns, Py_ssize_t width, const unsigned char *data, Py_ssize_t size)
{
    PyObject *row = PyTuple_New(width);
    if (row == NULL)
        return NULL;
    Py_ssize_t at = 0;
    for (Py_ssize_t index = 0; index < width; index++) {
        PyObject *value;
        if (at >= size)
            goto torn;
        unsigned first = data[at++];
        if (first == NULL_VALUE) {
            value = Py_None;
            Py_IncRef(value);
        }
        else {
            uint64_t length = first;
            int more = first < NULL_VALUE ? 0 : first == 0xFC ? 2 : first == 0xFD ? 3 : first == 0xFE ? 8 : -1;
            if (more < 0 || at + more > size)
                goto torn;
            if (more) {
                length = 0;
                for (int byte = 0; byte < more; byte++)
                    length |= (uint64_t)data[at + byte] << (8 * byte);
                at += more;
            }
            if (length > (uint64_t)(size - at))
                goto torn;
            value = value_of(state, &columns[index], data + at, (Py_ssize_t)length);
            at += (Py_ssize_t)length;
        }
        if (value == NULL || PyTuple_SetItem(row, index, value) < 0) {
            Py_DecRef(row);
            return NULL;
        }
    }
    if (at == size)
        return row;
torn:
    Py_DecRef(row);
    return NULL;
}

PyDoc_STRVAR(take_doc,
"take(data, start, sequence, columns, most) -> (rows, start, sequence, ended)\n\n"
"At most ``most`` rows of the packets in ``data`` from ``start`` on, the first of which must have this number. columns\n"
"are (kind, converter, takes text). ended is 0 when more bytes are needed, 1 when there are enough rows, 2 before a\n"
"packet that is no ordinary row, and 3 before a row whose values do not fill its packet exactly.");

static PyObject *
take(PyObject *module, PyObject *args)
{
    PyObject *specs;
    const char *bytes;
    Py_ssize_t size, start, most;
    int sequence;
    if (!PyArg_ParseTuple(args, "y#niO!n", &bytes, &size, &start, &sequence, &PyTuple_Type, &specs, &most))
        return NULL;
    const State *state = PyModule_GetState(module);
    const unsigned char *data = (const unsigned char *)bytes;
    Py_ssize_t width = PyTuple_Size(specs);
    Column *columns = PyMem_Calloc((size_t)width + 1, sizeof *columns);
    PyObject *rows = PyList_New(0);
    int ended = ENOUGH_ROWS;
    if (columns == NULL || rows == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    for (Py_ssize_t index = 0; index < width; index++) {
        const char *kind;
        if (!PyArg_ParseTuple(PyTuple_GetItem(specs, index), "sOp", &kind, &columns[index].converter,
                              &columns[index].text))
            goto failed;
        columns[index].kind = kind[0];
    }
    for (Py_ssize_t count = 0; count < most; count++) {
        if (size - start < 5) {
            ended = MORE_BYTES;
            break;
        }
        const unsigned char *head = data + start;
        Py_ssize_t length = head[0] | head[1] << 8 | head[2] << 16;
        if (head[3] != sequence || length == 0 || length >= CONTINUED || head[4] == 0xFF
            || (head[4] == 0xFE && length < 9)) {
            ended = OTHER_PACKET;
            break;
        }
        if (size - start < 4 + length) {
            ended = MORE_BYTES;
            break;
        }
        PyObject *row = row_of(state, columns, width, head + 4, length);
        if (row == NULL) {
            if (PyErr_Occurred())
                goto failed;
            ended = TORN_ROW;
            break;
        }
        int done = PyList_Append(rows, row);
        Py_DecRef(row);
        if (done < 0)
            goto failed;
        start += 4 + length;
        sequence = (sequence + 1) & 0xFF;
    }
    PyMem_Free(columns);
    return Py_BuildValue("Nnii", rows, start, sequence, ended);
failed:
    PyMem_Free(columns);
    Py_XDECREF(rows);
    return NULL;
}

static PyMethodDef methods[] = {
    {"take", take, METH_VARARGS, take_doc},
    {NULL, NULL, 0, NULL},
};

static PyObject *
imported(const char *module, const char *name)
{
    PyObject *found = PyImport_ImportModule(module);
    if (found == NULL)
        return NULL;
    PyObject *attribute = PyObject_GetAttrString(found, name);
    Py_DecRef(found);
    return attribute;
}

static int
execute(PyObject *module)
{
    State *state = PyModule_GetState(module);
    state->date = imported("datetime", "date");
    state->datetime = imported("datetime", "datetime");
    state->decimal = imported("decimal", "Decimal");
    return PyErr_Occurred() ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
    {0, NULL},
};

/* The state lives as long as the process: nothing frees it. */
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "reporting._mysql_rows", NULL, sizeof(State), methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC
PyInit__mysql_rows(void)
{
    return PyModuleDef_Init(&definition);
}
