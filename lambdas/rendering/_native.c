/* The parts of the engine that look at every cell, in C. Each has a twin in Python that gives the same bytes.
 *
 * Only ordinary cells are written here. For any other one the caller's own function for single cells is asked,
 * in the order in which the twin would ask it, so that styles, links and warnings come out alike.
 * Uses the limited API, so that one binary serves every later Python too.
 */
#define Py_LIMITED_API 0x030D0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <stdint.h>
#include <string.h>

/* Excel keeps 15 digits, and a decimal with more is no ordinary cell. */
#define MAX_DIGITS 15
#define MAX_WHOLE 1000000000000000LL
/* A cell holds 32,767 UTF-16 units; no text of fewer bytes has more. */
#define SHORT_TEXT 32767

/* ---- Bytes that grow ---- */

typedef struct {
    char *data;
    size_t size;
    size_t capacity;
} Buffer;

static int
reserve(Buffer *buffer, size_t more)
{
    if (buffer->size + more <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity ? buffer->capacity : 1 << 14;
    while (capacity < buffer->size + more)
        capacity *= 2;
    char *data = PyMem_Realloc(buffer->data, capacity);
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

/* The room must have been reserved. */
static inline void
put(Buffer *buffer, const char *data, size_t size)
{
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

#define PUT(buffer, literal) put(buffer, literal, sizeof(literal) - 1)

static char *
digits_of(uint64_t value, char *end)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return end;
}

static void
put_integer(Buffer *buffer, int64_t value)
{
    char digits[24], *end = digits + sizeof digits;
    char *start = digits_of(value < 0 ? -(uint64_t)value : (uint64_t)value, end);
    if (value < 0)
        *--start = '-';
    put(buffer, start, (size_t)(end - start));
}

/* ---- What is in a text ---- */

enum { CONTROL = 1, MARKUP = 2, BREAK = 4, UNDERSCORE = 8, WIDE = 16 };
static unsigned char byte_class[256];

static void
classify_bytes(void)
{
    for (int byte = 0; byte < 32; byte++)
        byte_class[byte] = CONTROL;
    byte_class['\t'] = 0;
    byte_class['\n'] = byte_class['\r'] = BREAK;
    byte_class['&'] = byte_class['<'] = byte_class['>'] = MARKUP;
    byte_class['_'] = UNDERSCORE;
    for (int byte = 128; byte < 256; byte++)
        byte_class[byte] = WIDE;
}

static inline unsigned
classes_in(const char *text, Py_ssize_t size)
{
    unsigned found = 0;
    for (Py_ssize_t index = 0; index < size; index++)
        found |= byte_class[(unsigned char)text[index]];
    return found;
}

/* U+FFFE and U+FFFF are EF BF BE and EF BF BF. */
static int
has_noncharacter(const char *text, Py_ssize_t size)
{
    for (Py_ssize_t index = 0; index + 2 < size; index++)
        if ((unsigned char)text[index] == 0xEF && (unsigned char)text[index + 1] == 0xBF
            && (unsigned char)text[index + 2] >= 0xBE)
            return 1;
    return 0;
}

/* Whether str.strip() would take the character that begins at ``text``. */
static int
is_space(const char *text, Py_ssize_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] < 0x80)
        return bytes[0] == ' ' || (bytes[0] >= '\t' && bytes[0] <= '\r') || (bytes[0] >= 0x1C && bytes[0] <= 0x1F);
    if (bytes[0] == 0xC2 && size >= 2)
        return bytes[1] == 0x85 || bytes[1] == 0xA0;
    if (size < 3)
        return 0;
    if (bytes[0] == 0xE1)
        return bytes[1] == 0x9A && bytes[2] == 0x80;
    if (bytes[0] == 0xE2 && bytes[1] == 0x80)
        return (bytes[2] >= 0x80 && bytes[2] <= 0x8A) || bytes[2] == 0xA8 || bytes[2] == 0xA9 || bytes[2] == 0xAF;
    if (bytes[0] == 0xE2 && bytes[1] == 0x81)
        return bytes[2] == 0x9F;
    return bytes[0] == 0xE3 && bytes[1] == 0x80 && bytes[2] == 0x80;
}

/* Whether a cell of this text needs another style or an attribute: white space at an end, the lead of a formula. */
static int
has_ends(const char *text, Py_ssize_t size)
{
    char lead = text[0];
    if (lead == '=' || lead == '+' || lead == '-' || lead == '@' || is_space(text, size))
        return 1;
    const char *last = text + size - 1;
    while (last > text && ((unsigned char)*last & 0xC0) == 0x80)
        last--;
    return is_space(last, size - (last - text));
}

static int
has_escape(const char *text, Py_ssize_t size)
{
    for (Py_ssize_t index = 0; index + 1 < size; index++)
        if (text[index] == '_' && text[index + 1] == 'x')
            return 1;
    return 0;
}

/* ---- Decimals ---- */

typedef struct {
    const char *text;
    Py_ssize_t size;
    int negative;
    /* Where the point is, or ``size``. */
    Py_ssize_t point;
} Digits;

/* Takes "-12.50" apart. Returns 0 for what has an exponent or is not finite. */
static int
take_digits(const char *text, Py_ssize_t size, Digits *digits)
{
    digits->negative = size > 0 && text[0] == '-';
    digits->text = text + digits->negative;
    digits->size = digits->point = size - digits->negative;
    if (digits->size == 0)
        return 0;
    for (Py_ssize_t index = 0; index < digits->size; index++) {
        char byte = digits->text[index];
        if (byte == '.' && digits->point == digits->size)
            digits->point = index;
        else if (byte < '0' || byte > '9')
            return 0;
    }
    return 1;
}

/* Writes the shortest form of a number of at most 15 digits; returns 0 for more. */
static int
put_decimal(Buffer *buffer, Digits digits)
{
    Py_ssize_t end = digits.size, first = 0;
    if (digits.point < digits.size) {
        while (end > digits.point + 1 && digits.text[end - 1] == '0')
            end--;
        if (end == digits.point + 1)
            end--;
    }
    while (first < end && (digits.text[first] == '0' || digits.text[first] == '.'))
        first++;
    if (end - first - (first <= digits.point && digits.point < end) > MAX_DIGITS)
        return 0;
    if (first == end) {
        PUT(buffer, "0");
        return 1;
    }
    if (digits.negative)
        PUT(buffer, "-");
    put(buffer, digits.text, (size_t)end);
    return 1;
}

/* ---- Doubles ---- */

static const double powers_of_ten[] = {1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5,
                                       1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* Writes the fewest digits that read back as ``value``, the closest to it of those, as repr() does but without ".0".
 *
 * Seventeen digits of a double between 1e-4 and 1e15 are an integer below 1e17, so that it and its neighbours' halfway
 * points can be had exactly in 128 bits. Returns 0 outside that range and where two candidates are equally near.
 */
static int
put_double(Buffer *buffer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int negative = (int)(bits >> 63);
    double size = negative ? -value : value;
    if (!(size >= 1e-4 && size < 1e15))
        return 0;
    uint64_t mantissa = (bits & ((1ULL << 52) - 1)) | 1ULL << 52;
    int exponent = (int)(bits >> 52 & 0x7FF) - 1075, magnitude = -4;
    while (magnitude < 14 && size >= powers_of_ten[magnitude + 5])
        magnitude++;
    /* The neighbour below a power of two is nearer than the one above. */
    if (mantissa == 1ULL << 52)
        return 0;
    int scale = 16 - magnitude, shift = 1 - exponent - scale;
    uint64_t five = 1;
    for (int index = 0; index < scale; index++)
        five *= 5;
    if (shift < 1)
        return 0;
    /* In units of 2 ** -shift. */
    unsigned __int128 centre = (unsigned __int128)mantissa * five * 2, unit = (unsigned __int128)1 << shift;
    unsigned __int128 below = centre - five, above = centre + five;
    int closed = !(mantissa & 1);
    uint64_t low = (uint64_t)((below + unit - 1) >> shift), high = (uint64_t)(above >> shift);
    if (!closed && ((unsigned __int128)low << shift) == below)
        low++;
    if (!closed && ((unsigned __int128)high << shift) == above)
        high--;
    uint64_t step = 1;
    while (step <= high / 10 && high / (step * 10) * (step * 10) >= low)
        step *= 10;
    if (high / step * step < low)
        return 0;
    uint64_t first = (uint64_t)(centre >> shift) / step * step;
    unsigned __int128 down = centre - ((unsigned __int128)first << shift);
    unsigned __int128 up = ((unsigned __int128)step << shift) - down;
    uint64_t chosen = down < up ? first : first + step;
    if (down == up || chosen < low || chosen > high)
        return 0;
    char digits[24], *end = digits + sizeof digits, *start = digits_of(chosen, end);
    magnitude += (int)(end - start) - 17;
    while (end > start + 1 && end[-1] == '0')
        end--;
    int count = (int)(end - start), whole = magnitude + 1;
    if (negative)
        PUT(buffer, "-");
    if (whole <= 0) {
        PUT(buffer, "0.");
        put(buffer, "0000", (size_t)-whole);
        put(buffer, start, (size_t)count);
    }
    else if (count <= whole) {
        put(buffer, start, (size_t)count);
        put(buffer, "00000000000000000", (size_t)(whole - count));
    }
    else {
        put(buffer, start, (size_t)whole);
        PUT(buffer, ".");
        put(buffer, start + whole, (size_t)(count - whole));
    }
    return 1;
}

/* ---- Moments ---- */

/* A double with 11 decimals, as format(value, ".11f") rounds it, without zeros at its end. */
static int
put_serial(Buffer *buffer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int exponent = (int)(bits >> 52) - 1075;
    if (exponent >= 0 || exponent < -60)
        return 0;
    unsigned __int128 scaled = (unsigned __int128)((bits & ((1ULL << 52) - 1)) | 1ULL << 52) * 100000000000ULL;
    unsigned shift = (unsigned)-exponent;
    unsigned __int128 rest = scaled & (((unsigned __int128)1 << shift) - 1), half = (unsigned __int128)1 << (shift - 1);
    uint64_t rounded = (uint64_t)(scaled >> shift);
    if (rest > half || (rest == half && (rounded & 1)))
        rounded++;
    put_integer(buffer, (int64_t)(rounded / 100000000000ULL));
    uint64_t fraction = rounded % 100000000000ULL;
    if (fraction) {
        char digits[11];
        for (int index = 10; index >= 0; index--, fraction /= 10)
            digits[index] = (char)('0' + fraction % 10);
        int size = 11;
        while (digits[size - 1] == '0')
            size--;
        PUT(buffer, ".");
        put(buffer, digits, (size_t)size);
    }
    return 1;
}

/* ---- Module ---- */

typedef struct {
    PyObject *decimal;
    PyObject *date;
    PyObject *datetime;
    PyObject *epoch;
    PyObject *days;
    PyObject *seconds;
    PyObject *microseconds;
    PyObject *toordinal;
    PyObject *tzinfo;
    PyObject *fold;
} State;

static int
long_attribute(PyObject *object, PyObject *name, long *found)
{
    PyObject *value = PyObject_GetAttr(object, name);
    if (value == NULL)
        return -1;
    *found = PyLong_AsLong(value);
    Py_DecRef(value);
    return *found == -1 && PyErr_Occurred() ? -1 : 0;
}

static int
is_exactly(PyObject *object, PyObject *type)
{
    return (PyObject *)Py_TYPE(object) == type;
}

/* ---- Cells as SpreadsheetML ---- */

/* 30 December 1899 is day 0. Serials below 61 mean another day in other programs: Excel has a 29 February 1900. */
#define EPOCH_ORDINAL 693594
#define FIRST_SERIAL 61
#define LAST_SERIAL 2958465

typedef struct {
    /* t text, i integer, n decimal, f float, b boolean, d date, m datetime; o: every cell is asked for. */
    char kind;
    char head[16];
    char middle[64];
    char shared_middle[48];
    size_t head_size, middle_size, shared_size;
    /* Makes the element of a single cell from it and its position in the run. */
    PyObject *one;
    /* Numbers of shared texts, or NULL. */
    PyObject *shared;
} Column;

typedef struct {
    Py_ssize_t most_shared;
    Py_ssize_t longest_shared;
    State *state;
} Run;

static void
put_start(Buffer *buffer, const Column *column, const char *number, size_t number_size)
{
    put(buffer, column->head, column->head_size);
    put(buffer, number, number_size);
}

/* Finds the number of a shared text, and gives one to a new text while there is room. -1: inline. */
static Py_ssize_t
shared_index(const Run *run, const Column *column, PyObject *text, Py_ssize_t size, int *failed)
{
    if (column->shared == NULL || size == 0 || size > run->longest_shared)
        return -1;
    PyObject *found = PyDict_GetItemWithError(column->shared, text);
    if (found != NULL)
        return PyLong_AsSsize_t(found);
    if (PyErr_Occurred()) {
        *failed = 1;
        return -1;
    }
    Py_ssize_t known = PyDict_Size(column->shared);
    if (known >= run->most_shared)
        return -1;
    PyObject *index = PyLong_FromSsize_t(known);
    if (index == NULL || PyDict_SetItem(column->shared, text, index) < 0)
        *failed = 1;
    Py_XDECREF(index);
    return *failed ? -1 : known;
}

/* 1: written, 0: not an ordinary text, -1: an error is set. */
static int
put_text(Buffer *buffer, const Run *run, const Column *column, PyObject *cell, const char *number, size_t number_size)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(cell, &size);
    if (text == NULL)
        return -1;
    if (size > SHORT_TEXT)
        return 0;
    unsigned classes = classes_in(text, size);
    if (classes & (BREAK | CONTROL))
        return 0;
    if (((classes & UNDERSCORE) && has_escape(text, size)) || (size && has_ends(text, size)))
        return 0;
    int failed = 0;
    Py_ssize_t shared = shared_index(run, column, cell, size, &failed);
    if (failed || reserve(buffer, 160 + (size_t)size * 5) < 0)
        return -1;
    put_start(buffer, column, number, number_size);
    if (shared >= 0) {
        put(buffer, column->shared_middle, column->shared_size);
        put_integer(buffer, shared);
        PUT(buffer, "</v></c>");
        return 1;
    }
    put(buffer, column->middle, column->middle_size);
    if (classes & MARKUP) {
        for (Py_ssize_t index = 0; index < size; index++) {
            switch (text[index]) {
            case '&': PUT(buffer, "&amp;"); break;
            case '<': PUT(buffer, "&lt;"); break;
            case '>': PUT(buffer, "&gt;"); break;
            default: put(buffer, text + index, 1);
            }
        }
    }
    else
        put(buffer, text, (size_t)size);
    PUT(buffer, "</t></is></c>");
    return 1;
}

static int
put_digits(Buffer *buffer, PyObject *shown)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(shown, &size);
    if (text == NULL)
        return -1;
    Digits digits;
    return size < 128 && take_digits(text, size, &digits) ? put_decimal(buffer, digits) : 0;
}

/* The content of ``v``: 1 written, 0 not ordinary, -1 an error is set. ``shown`` is the text of a decimal or NULL. */
static int
put_value(Buffer *buffer, const Run *run, const Column *column, PyObject *cell, PyObject *shown)
{
    const State *state = run->state;
    switch (column->kind) {
    case 'i': {
        if (!PyLong_CheckExact(cell))
            return 0;
        int overflow;
        int64_t value = PyLong_AsLongLongAndOverflow(cell, &overflow);
        if (overflow || value >= MAX_WHOLE || value <= -MAX_WHOLE)
            return 0;
        put_integer(buffer, value);
        return 1;
    }
    case 'n': {
        if (!is_exactly(cell, state->decimal))
            return 0;
        if (shown != NULL && shown != Py_None)
            return put_digits(buffer, shown);
        shown = PyObject_Str(cell);
        if (shown == NULL)
            return -1;
        int done = put_digits(buffer, shown);
        Py_DecRef(shown);
        return done;
    }
    case 'f': {
        if (!PyFloat_CheckExact(cell))
            return 0;
        if (put_double(buffer, PyFloat_AsDouble(cell)))
            return 1;
        if (PyFloat_AsDouble(cell) > -DBL_MIN && PyFloat_AsDouble(cell) < DBL_MIN && PyFloat_AsDouble(cell) != 0)
            return 0;
        char *shown = PyOS_double_to_string(PyFloat_AsDouble(cell), 'r', 0, 0, NULL);
        if (shown == NULL)
            return -1;
        put(buffer, shown, strlen(shown));
        PyMem_Free(shown);
        return 1;
    }
    case 'b':
        if (!PyBool_Check(cell))
            return 0;
        put(buffer, PyObject_IsTrue(cell) ? "1" : "0", 1);
        return 1;
    case 'd': {
        if (!is_exactly(cell, state->date))
            return 0;
        PyObject *ordinal = PyObject_VectorcallMethod(state->toordinal, &cell, 1, NULL);
        if (ordinal == NULL)
            return -1;
        long serial = PyLong_AsLong(ordinal) - EPOCH_ORDINAL;
        Py_DecRef(ordinal);
        if (serial < FIRST_SERIAL)
            return 0;
        put_integer(buffer, serial);
        return 1;
    }
    case 'm': {
        if (!is_exactly(cell, state->datetime))
            return 0;
        PyObject *since = PyNumber_Subtract(cell, state->epoch);
        if (since == NULL)
            return -1;
        long days, seconds, microseconds;
        int failed = long_attribute(since, state->days, &days) < 0
            || long_attribute(since, state->seconds, &seconds) < 0
            || long_attribute(since, state->microseconds, &microseconds) < 0;
        Py_DecRef(since);
        if (failed)
            return -1;
        if (days < FIRST_SERIAL || (days == LAST_SERIAL && seconds == 86399 && microseconds >= 500000))
            return 0;
        double serial = (double)days + ((double)seconds + (double)microseconds / 1e6) / 86400.0;
        if (serial >= (double)(days + 1)) {
            /* The double before: the last microseconds of a day are not the next day. */
            serial = (double)(days + 1);
            uint64_t bits;
            memcpy(&bits, &serial, sizeof bits);
            bits--;
            memcpy(&serial, &bits, sizeof bits);
        }
        return put_serial(buffer, serial);
    }
    default:
        return 0;
    }
}

static int
put_one(Buffer *buffer, const Column *column, PyObject *cell, Py_ssize_t position)
{
    PyObject *index = PyLong_FromSsize_t(position);
    if (index == NULL)
        return -1;
    PyObject *made = PyObject_CallFunctionObjArgs(column->one, cell, index, NULL);
    Py_DecRef(index);
    if (made == NULL)
        return -1;
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(made, &size);
    int done = text == NULL || reserve(buffer, (size_t)size) < 0 ? -1 : 0;
    if (done == 0)
        put(buffer, text, (size_t)size);
    Py_DecRef(made);
    return done;
}

static int
put_cell(Buffer *buffer, const Run *run, const Column *column, PyObject *cell, PyObject *shown, int64_t row,
         Py_ssize_t position)
{
    if (cell == Py_None)
        return 0;
    char digits[24], *end = digits + sizeof digits;
    char *number = digits_of((uint64_t)row, end);
    size_t number_size = (size_t)(end - number);
    size_t start = buffer->size;
    int done = 0;
    if (column->kind == 't') {
        if (PyUnicode_CheckExact(cell))
            done = put_text(buffer, run, column, cell, number, number_size);
    }
    else if (column->kind != 'o') {
        if (reserve(buffer, 512) < 0)
            return -1;
        put_start(buffer, column, number, number_size);
        put(buffer, column->middle, column->middle_size);
        done = put_value(buffer, run, column, cell, shown);
        if (done == 1)
            PUT(buffer, "</v></c>");
    }
    if (done == 0) {
        buffer->size = start;
        done = put_one(buffer, column, cell, position);
    }
    return done < 0 ? -1 : 0;
}

static int
read_column(PyObject *spec, Column *column)
{
    const char *letter, *kind;
    int style;
    PyObject *shared;
    if (!PyArg_ParseTuple(spec, "ssiOO", &letter, &kind, &style, &shared, &column->one))
        return -1;
    if (strlen(letter) > 3) {
        PyErr_SetString(PyExc_ValueError, "a column has one to three letters");
        return -1;
    }
    column->kind = kind[0];
    column->shared = shared == Py_None ? NULL : shared;
    column->head_size = (size_t)PyOS_snprintf(column->head, sizeof column->head, "<c r=\"%s", letter);
    const char *form = column->kind == 't' ? "\" s=\"%d\" t=\"inlineStr\"><is><t>"
        : column->kind == 'b' ? "\" s=\"%d\" t=\"b\"><v>" : "\" s=\"%d\"><v>";
    column->middle_size = (size_t)PyOS_snprintf(column->middle, sizeof column->middle, form, style);
    column->shared_size =
        (size_t)PyOS_snprintf(column->shared_middle, sizeof column->shared_middle, "\" s=\"%d\" t=\"s\"><v>", style);
    return 0;
}

/* Writes the cells of one column; offsets[i] is where that of row i begins. */
static int
put_column(Buffer *buffer, const Run *run, const Column *column, PyObject *cells, PyObject *texts, int64_t first_row,
           Py_ssize_t count, size_t *offsets)
{
    for (Py_ssize_t position = 0; position < count; position++) {
        PyObject *shown = texts == NULL ? NULL : PyTuple_GetItem(texts, position);
        offsets[position] = buffer->size;
        if (put_cell(buffer, run, column, PyTuple_GetItem(cells, position), shown, first_row + position, position) < 0)
            return -1;
    }
    offsets[count] = buffer->size;
    return 0;
}

/* Puts the columns' cells together row by row. */
static PyObject *
interleave(const Buffer *cells, const size_t *offsets, Py_ssize_t width, Py_ssize_t count, int64_t first_row,
           const char *attributes)
{
    size_t attributes_size = strlen(attributes), most = cells->size + (size_t)count * (attributes_size + 48);
    Buffer made = {0};
    if (reserve(&made, most) < 0)
        return NULL;
    for (Py_ssize_t position = 0; position < count; position++) {
        PUT(&made, "<row r=\"");
        put_integer(&made, first_row + position);
        PUT(&made, "\"");
        put(&made, attributes, attributes_size);
        PUT(&made, ">");
        for (Py_ssize_t index = 0; index < width; index++) {
            const size_t *offset = offsets + index * (count + 1) + position;
            put(&made, cells->data + offset[0], offset[1] - offset[0]);
        }
        PUT(&made, "</row>");
    }
    PyObject *bytes = PyBytes_FromStringAndSize(made.data, (Py_ssize_t)made.size);
    PyMem_Free(made.data);
    return bytes;
}

/* A tuple of exactly ``count`` items, which no callback can change. */
static PyObject *
held(PyObject *sequence, Py_ssize_t count)
{
    PyObject *tuple = PySequence_Tuple(sequence);
    if (tuple != NULL && PyTuple_Size(tuple) != count) {
        Py_DecRef(tuple);
        PyErr_SetString(PyExc_ValueError, "columns of a run must have the same number of cells");
        return NULL;
    }
    return tuple;
}

PyDoc_STRVAR(rows_doc,
"rows(specs, columns, texts, *, first_row, attributes, most_shared, longest_shared) -> bytes\n\n"
"The row elements of a run (ECMA-376 part 1, section 18.3.1.73). specs has for each column its letters, kind, style,\n"
"shared texts (a dict or None) and the function for single cells; columns its cells; texts those of decimals or None.");

static PyObject *
rows(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"specs", "columns", "texts", "first_row", "attributes", "most_shared", "longest_shared", NULL};
    PyObject *specs, *columns, *texts;
    long long first_row;
    const char *attributes;
    Run run = {.state = PyModule_GetState(module)};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!O!$Lsnn", names, &PyTuple_Type, &specs, &PyList_Type, &columns,
                                     &PyList_Type, &texts, &first_row, &attributes, &run.most_shared,
                                     &run.longest_shared))
        return NULL;
    Py_ssize_t width = PyTuple_Size(specs);
    if (width == 0 || PyList_Size(columns) != width || PyList_Size(texts) != width) {
        PyErr_SetString(PyExc_ValueError, "specs, columns and texts must be of the same number, at least one");
        return NULL;
    }
    Py_ssize_t count = PyObject_Size(PyList_GetItem(columns, 0));
    if (count < 0)
        return NULL;
    size_t *offsets = PyMem_Malloc((size_t)width * (size_t)(count + 1) * sizeof *offsets);
    if (offsets == NULL)
        return PyErr_NoMemory();
    Buffer buffer = {0};
    PyObject *made = NULL;
    Py_ssize_t index = 0;
    for (; index < width; index++) {
        Column column;
        PyObject *shown = PyList_GetItem(texts, index), *cells = held(PyList_GetItem(columns, index), count);
        if (cells == NULL)
            break;
        shown = shown == Py_None ? NULL : held(shown, count);
        int done = shown == NULL && PyErr_Occurred() ? -1 : read_column(PyTuple_GetItem(specs, index), &column);
        if (done == 0)
            done = put_column(&buffer, &run, &column, cells, shown, first_row, count, offsets + index * (count + 1));
        Py_DecRef(cells);
        Py_XDECREF(shown);
        if (done < 0)
            break;
    }
    if (index == width)
        made = interleave(&buffer, offsets, width, count, first_row, attributes);
    PyMem_Free(buffer.data);
    PyMem_Free(offsets);
    return made;
}

/* ---- Values of a source ---- */

static int
is_ordinary(char kind, PyObject *value, const State *state)
{
    switch (kind) {
    case 't': {
        if (!PyUnicode_CheckExact(value))
            return 0;
        Py_ssize_t size;
        const char *text = PyUnicode_AsUTF8AndSize(value, &size);
        if (text == NULL) {
            /* A lone surrogate, or no memory. */
            if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
                return -1;
            PyErr_Clear();
            return 0;
        }
        unsigned classes = classes_in(text, size);
        return !(classes & CONTROL) && !((classes & WIDE) && has_noncharacter(text, size));
    }
    case 'i': {
        if (!PyLong_CheckExact(value))
            return 0;
        int overflow;
        return PyLong_AsLongLongAndOverflow(value, &overflow), !overflow;
    }
    case 'f': {
        if (!PyFloat_CheckExact(value))
            return 0;
        double number = PyFloat_AsDouble(value);
        uint64_t bits;
        memcpy(&bits, &number, sizeof bits);
        /* Neither infinite nor NaN nor negative zero. */
        return ((bits >> 52) & 0x7FF) != 0x7FF && bits != 1ULL << 63;
    }
    case 'b':
        return PyBool_Check(value);
    case 'd':
        return is_exactly(value, state->date);
    case 'm': {
        if (!is_exactly(value, state->datetime))
            return 0;
        PyObject *zone = PyObject_GetAttr(value, state->tzinfo);
        if (zone == NULL)
            return -1;
        int naive = zone == Py_None;
        Py_DecRef(zone);
        long fold = 1;
        if (naive && long_attribute(value, state->fold, &fold) < 0)
            return -1;
        return naive && fold == 0;
    }
    default:
        return 0;
    }
}

PyDoc_STRVAR(ordinary_doc,
"ordinary(kind, values) -> bool\n\n"
"Whether each value is None or one of the kind that is its own cell.");

static PyObject *
ordinary(PyObject *module, PyObject *args)
{
    const char *kind;
    PyObject *values;
    if (!PyArg_ParseTuple(args, "sO!", &kind, &PyTuple_Type, &values))
        return NULL;
    const State *state = PyModule_GetState(module);
    Py_ssize_t count = PyTuple_Size(values);
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *value = PyTuple_GetItem(values, index);
        int found = value == Py_None ? 1 : is_ordinary(kind[0], value, state);
        if (found < 0)
            return NULL;
        if (!found)
            return PyBool_FromLong(0);
    }
    return PyBool_FromLong(1);
}

/* More digits than these are looked at one by one. */
#define MOST_DIGITS 100

PyDoc_STRVAR(digits_doc,
"digits(values) -> list[str | None] | None\n\n"
"The text of each decimal, None for None; None in place of the list when a value is no finite Decimal, or one that\n"
"is written with an exponent or with 100 digits and more.");

static PyObject *
digits(PyObject *module, PyObject *args)
{
    PyObject *values;
    if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &values))
        return NULL;
    const State *state = PyModule_GetState(module);
    Py_ssize_t count = PyTuple_Size(values);
    PyObject *texts = PyList_New(count);
    if (texts == NULL)
        return NULL;
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *value = PyTuple_GetItem(values, index), *text = Py_None;
        if (value == Py_None)
            Py_IncRef(text);
        else {
            Digits found;
            Py_ssize_t size = 0;
            const char *bytes = NULL;
            text = is_exactly(value, state->decimal) ? PyObject_Str(value) : NULL;
            if (text != NULL)
                bytes = PyUnicode_AsUTF8AndSize(text, &size);
            if (bytes == NULL || size >= MOST_DIGITS || !take_digits(bytes, size, &found)) {
                Py_XDECREF(text);
                Py_DecRef(texts);
                if (PyErr_Occurred())
                    return NULL;
                Py_RETURN_NONE;
            }
        }
        if (PyList_SetItem(texts, index, text) < 0) {
            Py_DecRef(texts);
            return NULL;
        }
    }
    return texts;
}

/* With these no sum of a run leaves 128 bits. */
#define MOST_ADDED_DIGITS 30
#define MOST_PLACES 15

PyDoc_STRVAR(add_digits_doc,
"add_digits(texts) -> tuple[str, int] | None\n\n"
"The exact sum of decimals as digits and the number of their places, None when one has more than 30 digits or 15\n"
"places. Blank ones do not count.");

static PyObject *
add_digits(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *texts;
    if (!PyArg_ParseTuple(args, "O!", &PyList_Type, &texts))
        return NULL;
    /* One sum for each number of places. */
    __int128 sums[MOST_PLACES + 1] = {0};
    int places = 0;
    Py_ssize_t count = PyList_Size(texts);
    if (count > 1000000)
        Py_RETURN_NONE;
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *text = PyList_GetItem(texts, index);
        if (text == Py_None)
            continue;
        Py_ssize_t size;
        const char *bytes = PyUnicode_AsUTF8AndSize(text, &size);
        Digits found;
        if (bytes == NULL)
            return NULL;
        if (size > MOST_ADDED_DIGITS || !take_digits(bytes, size, &found))
            Py_RETURN_NONE;
        Py_ssize_t own = found.point < found.size ? found.size - found.point - 1 : 0;
        /* Scaled up to the most places, a number must still have room. */
        if (own > MOST_PLACES || found.point > MOST_ADDED_DIGITS - MOST_PLACES)
            Py_RETURN_NONE;
        __int128 value = 0;
        for (Py_ssize_t position = 0; position < found.size; position++)
            if (position != found.point)
                value = value * 10 + (found.text[position] - '0');
        sums[own] += found.negative ? -value : value;
        if (own > places)
            places = (int)own;
    }
    __int128 sum = 0;
    for (int own = 0; own <= places; own++)
        sum = sum * 10 + sums[own];
    char digits[48], *end = digits + sizeof digits, *start = end;
    unsigned __int128 rest = sum < 0 ? -(unsigned __int128)sum : (unsigned __int128)sum;
    do {
        *--start = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest);
    if (sum < 0)
        *--start = '-';
    return Py_BuildValue("s#i", start, (Py_ssize_t)(end - start), places);
}

/* ---- Rows of a page ---- */

/* Beyond this a text has no row of its own that fits a page. */
#define MOST_LINES 400

typedef struct {
    double left;
    double room;
    /* The share of the free room that stands before the text: 0, 0.5 or 1. */
    double before;
    /* How wide a line may be, in units of the font. */
    Py_ssize_t limit;
    /* Whether a text that is too wide is broken into lines. */
    int wraps;
    /* How many places the column's numbers have, to align them on ``point``; -1 for none. */
    int places;
    Py_UCS4 point;
    /* How its cells are marked: MARKED_CELL, MARKED_ARTIFACT or not at all. */
    int mark;
} PageColumn;

#define MARKED_CELL 1
#define MARKED_ARTIFACT 2

typedef struct {
    const uint16_t *widths;
    Py_ssize_t known;
    unsigned char *used;
    double size;
    double units;
    long leading;
    /* The font's name in content streams. */
    const char *resource;
} PageFont;

/* A number that is wider than its column is set smaller, down to this share. */
#define MIN_SHRINK 0.65
#define ROUNDING 1e-6

/* No character that is drawn as it is has this width. */
#define NO_WIDTH 0xFFFF

/* The text's characters of the basic plane with their widths; 0 when one is not drawn as it is. */
typedef struct {
    uint16_t *codes;
    size_t count;
    size_t capacity;
} Line;

static int
read_text(PyObject *text, const PageFont *font, Line *line)
{
    Py_ssize_t size;
    const unsigned char *bytes = (const unsigned char *)PyUnicode_AsUTF8AndSize(text, &size);
    if (bytes == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    if ((size_t)size > line->capacity) {
        uint16_t *codes = PyMem_Realloc(line->codes, (size_t)size * sizeof *codes);
        if (codes == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        line->codes = codes;
        line->capacity = (size_t)size;
    }
    line->count = 0;
    for (Py_ssize_t index = 0; index < size;) {
        unsigned code = bytes[index++];
        if (code >= 0xE0) {
            if (code >= 0xF0)
                return 0;
            code = (code & 0x0F) << 12 | (bytes[index] & 0x3Fu) << 6 | (bytes[index + 1] & 0x3Fu);
            index += 2;
        }
        else if (code >= 0xC0)
            code = (code & 0x1F) << 6 | (bytes[index++] & 0x3Fu);
        if (code != '\n' && (code >= (size_t)font->known || font->widths[code] == NO_WIDTH))
            return 0;
        line->codes[line->count++] = (uint16_t)code;
    }
    return 1;
}

static Py_ssize_t
width_of(const PageFont *font, const uint16_t *codes, size_t count)
{
    Py_ssize_t width = 0;
    for (size_t index = 0; index < count; index++)
        width += font->widths[codes[index]];
    return width;
}

/* ``value`` hundredths with no more digits than it takes. */
static void
put_hundredths(Buffer *buffer, long value)
{
    if (value < 0) {
        PUT(buffer, "-");
        value = -value;
    }
    put_integer(buffer, value / 100);
    int rest = (int)(value % 100);
    if (rest) {
        char digits[3] = {'.', (char)('0' + rest / 10), (char)('0' + rest % 10)};
        put(buffer, digits, rest % 10 ? 3 : 2);
    }
}

typedef struct {
    Buffer *buffer;
    const PageFont *font;
    /* Where the first and the last line began, in hundredths of a point from the row's own origin. */
    long first_x, first_y;
    long x, y;
    int begun;
} Pen;

/* Draws one line. Its codes are two bytes each, of which three have to be escaped (ISO 32000-1, section 7.3.4.2). */
static int
draw(Pen *pen, const PageColumn *column, const uint16_t *codes, size_t count, Py_ssize_t width, long y, double size)
{
    if (count == 0)
        return 0;
    if (reserve(pen->buffer, count * 4 + 64) < 0)
        return -1;
    double x = column->left + column->before * (column->room - (double)width * size / pen->font->units);
    long place = (long)(x * 100.0 + 0.5);
    if (pen->begun) {
        put_hundredths(pen->buffer, place - pen->x);
        PUT(pen->buffer, " ");
        put_hundredths(pen->buffer, y - pen->y);
        PUT(pen->buffer, " Td ");
    }
    else {
        pen->begun = 1;
        pen->first_x = place;
        pen->first_y = y;
    }
    PUT(pen->buffer, "(");
    for (size_t index = 0; index < count; index++) {
        unsigned code = codes[index];
        pen->font->used[code >> 3] |= (unsigned char)(1u << (code & 7));
        char pair[2] = {(char)(code >> 8), (char)(code & 0xFF)};
        for (int half = 0; half < 2; half++) {
            if (pair[half] == '(' || pair[half] == ')' || pair[half] == '\\')
                PUT(pen->buffer, "\\");
            if (pair[half] == '\r')
                PUT(pen->buffer, "\\r");
            else
                put(pen->buffer, &pair[half], 1);
        }
    }
    PUT(pen->buffer, ") Tj\n");
    pen->x = place;
    pen->y = y;
    return 0;
}

/* What a number with fewer places than its column's leaves free at its end. */
static Py_ssize_t
missing_places(const PageFont *font, const PageColumn *column, const uint16_t *codes, size_t count)
{
    int places = 0;
    size_t index = count;
    while (index > 0 && codes[index - 1] >= '0' && codes[index - 1] <= '9') {
        index--;
        places++;
    }
    if (index == 0 || codes[index - 1] != column->point)
        places = 0;
    if (places >= column->places)
        return 0;
    Py_ssize_t free = (Py_ssize_t)(column->places - places) * font->widths['0'];
    return places == 0 ? free + font->widths[column->point] : free;
}

/* Breaks at blanks, and inside words that are wider than a line. Returns the number of lines, 0 when there is no
 * row for them, -1 for an error. */
static int
draw_wrapped(Pen *pen, const PageColumn *column, const uint16_t *codes, size_t count, int lines)
{
    size_t start = 0, end = 0;
    Py_ssize_t used = 0;
#define DRAW(from, to)                                                                                        \
    do {                                                                                                      \
        if (lines == MOST_LINES)                                                                              \
            return 0;                                                                                         \
        if (draw(pen, column, codes + (from), (to) - (from), width_of(pen->font, codes + (from), (to) - (from)), \
                 -(long)lines * pen->font->leading, pen->font->size) < 0)                                                      \
            return -1;                                                                                        \
        lines++;                                                                                              \
    } while (0)
    for (size_t index = 0; index < count;) {
        int blank = codes[index] == ' ';
        size_t word = index;
        while (index < count && (codes[index] == ' ') == blank)
            index++;
        Py_ssize_t needed = width_of(pen->font, codes + word, index - word);
        if (used + needed <= column->limit) {
            if (start == end)
                start = word;
            end = index;
            used += needed;
            continue;
        }
        if (blank) {
            /* The blanks at which a line breaks are not drawn. */
            DRAW(start, end);
            start = end = index;
            used = 0;
            continue;
        }
        if (start < end) {
            while (end > start && codes[end - 1] == ' ')
                end--;
            DRAW(start, end);
        }
        start = word;
        used = 0;
        for (size_t position = word; position < index; position++) {
            Py_ssize_t advance = pen->font->widths[codes[position]];
            if (used + advance > column->limit && position > start) {
                DRAW(start, position);
                start = position;
                used = 0;
            }
            used += advance;
        }
        end = index;
    }
    if (start < end)
        DRAW(start, end);
#undef DRAW
    return lines;
}

static int
put_size(Pen *pen, double size)
{
    char *shown = PyOS_double_to_string(size, 'f', 2, 0, NULL);
    if (shown == NULL)
        return -1;
    int done = reserve(pen->buffer, strlen(shown) + strlen(pen->font->resource) + 16);
    if (done == 0) {
        PUT(pen->buffer, "/");
        put(pen->buffer, pen->font->resource, strlen(pen->font->resource));
        PUT(pen->buffer, " ");
        put(pen->buffer, shown, strlen(shown));
        PUT(pen->buffer, " Tf\n");
    }
    PyMem_Free(shown);
    return done;
}

/* Draws one line that is too wide in a smaller size: 1 line, 0 when it would be too small. */
static int
draw_smaller(Pen *pen, const PageColumn *column, const uint16_t *codes, size_t count, Py_ssize_t width)
{
    double needed = (double)width / pen->font->units;
    if (needed * pen->font->size * MIN_SHRINK > column->room + ROUNDING)
        return 0;
    double size = (column->room + ROUNDING) / needed;
    if (put_size(pen, size) < 0 || draw(pen, column, codes, count, width, 0, size) < 0
        || put_size(pen, pen->font->size) < 0)
        return -1;
    return 1;
}

/* Draws a cell; the number of its lines, 0 when it needs a look of its own, -1 for an error. */
static int
draw_cell(Pen *pen, const PageColumn *column, const Line *line)
{
    int lines = 0;
    for (size_t start = 0; start <= line->count;) {
        size_t end = start;
        while (end < line->count && line->codes[end] != '\n')
            end++;
        const uint16_t *codes = line->codes + start;
        size_t count = end - start;
        Py_ssize_t width = width_of(pen->font, codes, count);
        if (width <= column->limit) {
            if (lines == MOST_LINES)
                return 0;
            Py_ssize_t free = column->places < 0 ? 0 : missing_places(pen->font, column, codes, count);
            if (width + free > column->limit)
                free = 0;
            long y = -(long)lines * pen->font->leading;
            if (draw(pen, column, codes, count, width + free, y, pen->font->size) < 0)
                return -1;
            lines++;
        }
        else if (!column->wraps)
            return count == line->count ? draw_smaller(pen, column, codes, count, width) : 0;
        else {
            int more = draw_wrapped(pen, column, codes, count, lines);
            if (more <= 0)
                return more;
            lines = more;
        }
        start = end + 1;
    }
    return lines;
}

static PyObject *
draw_row(Buffer *buffer, const PageFont *font, const PageColumn *specs, PyObject *columns, Py_ssize_t position, Line *line)
{
    Pen pen = {.buffer = buffer, .font = font};
    buffer->size = 0;
    int most = 0;
    Py_ssize_t width = PyList_Size(columns);
    for (Py_ssize_t index = 0; index < width; index++) {
        PyObject *text = PyTuple_GetItem(PyList_GetItem(columns, index), position);
        if (text == Py_None)
            Py_RETURN_NONE;
        int done = read_text(text, font, line);
        if (reserve(buffer, 64) < 0)
            return NULL;
        if (specs[index].mark == MARKED_CELL)
            PUT(buffer, "/TD<</MCID ()>>BDC\n");
        else if (specs[index].mark == MARKED_ARTIFACT)
            PUT(buffer, "/Artifact BMC\n");
        if (done > 0 && line->count > 0) {
            done = draw_cell(&pen, &specs[index], line);
            most = done > most ? done : most;
            if (done < 0 || reserve(buffer, 8) < 0)
                return NULL;
        }
        else if (done < 0)
            return NULL;
        if (done == 0)
            Py_RETURN_NONE;
        if (specs[index].mark)
            PUT(buffer, "EMC\n");
    }
    return Py_BuildValue("lly#i", pen.first_x, pen.first_y, buffer->data ? buffer->data : "",
                         (Py_ssize_t)buffer->size, most);
}

PyDoc_STRVAR(page_rows_doc,
"page_rows(specs, columns, widths, used, *, size, units, leading, resource) -> list[tuple[int, int, bytes, int] | None]\n\n"
"For each row where its first line begins, in hundredths of a point from its own origin, the text operators from there\n"
"and the number of lines; None for a row with a cell that needs a look of its own. specs has (left, room, before, limit, wraps, places, point, mark) for each column, columns the texts;\n"
"widths is an array of 16 bit by code point, 0xFFFF where a character is not drawn as it is; used a bit for each code.");

static PyObject *
page_rows(PyObject *module, PyObject *args, PyObject *kwargs)
{
    (void)module;
    static char *names[] = {"specs", "columns", "widths", "used", "size", "units", "leading", "resource", NULL};
    PyObject *specs, *columns, *used, *made = NULL;
    PageFont font;
    Py_buffer marks;
    const char *widths;
    Py_ssize_t widths_size;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!y#O$ddls", names, &PyTuple_Type, &specs, &PyList_Type, &columns,
                                     &widths, &widths_size, &used, &font.size, &font.units, &font.leading,
                                     &font.resource))
        return NULL;
    Py_ssize_t width = PyTuple_Size(specs);
    if (width == 0 || PyList_Size(columns) != width) {
        PyErr_SetString(PyExc_ValueError, "specs and columns must be of the same number, at least one");
        return NULL;
    }
    Py_ssize_t count = PyObject_Size(PyList_GetItem(columns, 0));
    if (count < 0 || PyObject_GetBuffer(used, &marks, PyBUF_WRITABLE) < 0)
        return NULL;
    font.widths = (const uint16_t *)widths;
    font.known = widths_size / 2;
    font.used = marks.buf;
    PageColumn *pages = PyMem_Calloc((size_t)width, sizeof *pages);
    PyObject *texts = PyList_New(width);
    Buffer buffer = {0};
    Line line = {0};
    if (pages == NULL || texts == NULL || marks.len * 8 < font.known) {
        PyErr_SetString(PyExc_ValueError, "used must have a bit for each width");
        goto end;
    }
    for (Py_ssize_t index = 0; index < width; index++) {
        PageColumn *column = &pages[index];
        int point;
        PyObject *held_texts = held(PyList_GetItem(columns, index), count);
        if (held_texts == NULL || PyList_SetItem(texts, index, held_texts) < 0
            || !PyArg_ParseTuple(PyTuple_GetItem(specs, index), "dddniiii", &column->left, &column->room, &column->before,
                                 &column->limit, &column->wraps, &column->places, &point,
                                 &column->mark))
            goto end;
        column->point = (Py_UCS4)point;
        if (column->places >= 0 && (point < 0 || point >= font.known || font.widths[point] == NO_WIDTH))
            column->places = -1;
    }
    made = PyList_New(count);
    for (Py_ssize_t position = 0; made != NULL && position < count; position++) {
        PyObject *row = draw_row(&buffer, &font, pages, texts, position, &line);
        if (row == NULL || PyList_SetItem(made, position, row) < 0) {
            Py_DecRef(made);
            made = NULL;
        }
    }
end:
    PyMem_Free(pages);
    PyMem_Free(buffer.data);
    PyMem_Free(line.codes);
    Py_XDECREF(texts);
    PyBuffer_Release(&marks);
    return made;
}

/* ---- Numbers for readers ---- */

#define MOST_SHOWN 64

PyDoc_STRVAR(show_numbers_doc,
"show_numbers(digits, places, least, group, point, before, after, minus_before, minus_after) -> list[str | None]\n\n"
"Decimals in groups of three with at most ``places`` (those they have, if negative) and at least ``least``; '' for\n"
"None. None stands for a number that has to be rounded, or is very long.");

static PyObject *
show_numbers(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *digits;
    int places, least;
    const char *group, *point, *before, *after, *minus_before, *minus_after;
    if (!PyArg_ParseTuple(args, "O!iissssss", &PyList_Type, &digits, &places, &least, &group, &point, &before, &after,
                          &minus_before, &minus_after))
        return NULL;
    size_t longest = strlen(before) + strlen(after) + strlen(minus_before) + strlen(minus_after) + strlen(point)
        + MOST_SHOWN * (1 + strlen(group));
    Buffer buffer = {0};
    Py_ssize_t count = PyList_Size(digits);
    PyObject *made = PyList_New(count);
    if (made == NULL || reserve(&buffer, longest + 64) < 0)
        goto failed;
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *text = PyList_GetItem(digits, index), *shown;
        Py_ssize_t size = 0;
        const char *bytes = text == Py_None ? "" : PyUnicode_AsUTF8AndSize(text, &size);
        Digits found;
        if (bytes == NULL)
            goto failed;
        buffer.size = 0;
        if (size == 0)
            shown = PyUnicode_FromStringAndSize("", 0);
        else if (size > MOST_SHOWN || !take_digits(bytes, size, &found)) {
            shown = Py_None;
            Py_IncRef(shown);
        }
        else {
            Py_ssize_t end = found.size, own, whole = found.point;
            while (places >= 0 && end > whole + 1 && end - whole - 1 > least && found.text[end - 1] == '0')
                end--;
            own = end > whole ? end - whole - 1 : 0;
            int is_zero = 1;
            for (Py_ssize_t position = 0; position < found.size; position++)
                is_zero = is_zero && (found.text[position] == '0' || position == whole);
            int negative = found.negative && !is_zero;
            if (places >= 0 && own > places) {
                shown = Py_None;
                Py_IncRef(shown);
            }
            else {
                put(&buffer, negative ? minus_before : before, strlen(negative ? minus_before : before));
                for (Py_ssize_t position = 0; position < whole; position++) {
                    if (position && (whole - position) % 3 == 0)
                        put(&buffer, group, strlen(group));
                    put(&buffer, found.text + position, 1);
                }
                if (own || least) {
                    put(&buffer, point, strlen(point));
                    put(&buffer, found.text + whole + 1, (size_t)own);
                    for (Py_ssize_t position = own; position < least; position++)
                        PUT(&buffer, "0");
                }
                put(&buffer, negative ? minus_after : after, strlen(negative ? minus_after : after));
                shown = PyUnicode_FromStringAndSize(buffer.data, (Py_ssize_t)buffer.size);
            }
        }
        if (shown == NULL || PyList_SetItem(made, index, shown) < 0)
            goto failed;
    }
    PyMem_Free(buffer.data);
    return made;
failed:
    PyMem_Free(buffer.data);
    Py_XDECREF(made);
    return NULL;
}

static PyMethodDef methods[] = {
    {"rows", (PyCFunction)(void (*)(void))rows, METH_VARARGS | METH_KEYWORDS, rows_doc},
    {"ordinary", ordinary, METH_VARARGS, ordinary_doc},
    {"digits", digits, METH_VARARGS, digits_doc},
    {"add_digits", add_digits, METH_VARARGS, add_digits_doc},
    {"page_rows", (PyCFunction)(void (*)(void))page_rows, METH_VARARGS | METH_KEYWORDS, page_rows_doc},
    {"show_numbers", show_numbers, METH_VARARGS, show_numbers_doc},
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
    classify_bytes();
    state->decimal = imported("decimal", "Decimal");
    state->date = imported("datetime", "date");
    state->datetime = imported("datetime", "datetime");
    state->epoch = state->datetime ? PyObject_CallFunction(state->datetime, "iii", 1899, 12, 30) : NULL;
    state->days = PyUnicode_InternFromString("days");
    state->seconds = PyUnicode_InternFromString("seconds");
    state->microseconds = PyUnicode_InternFromString("microseconds");
    state->toordinal = PyUnicode_InternFromString("toordinal");
    state->tzinfo = PyUnicode_InternFromString("tzinfo");
    state->fold = PyUnicode_InternFromString("fold");
    return PyErr_Occurred() ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
    {0, NULL},
};

/* The state lives as long as the process: nothing frees it. */
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "rendering._native", NULL, sizeof(State), methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
