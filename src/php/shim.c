/*
 * What the engine offers only as macros, inline functions or struct fields: five-line wrappers, no logic of Towline's.
 * Every name is hidden from other libraries (see build.rs).
 */
#include "php.h"
#include "SAPI.h"
#include "ext/spl/spl_exceptions.h"
#include "php_streams.h"
#include "php_variables.h"
#include "zend_closures.h"
#include "zend_exceptions.h"
#include "zend_fibers.h"
#include "zend_gc.h"
#include "zend_interfaces.h"

const uint8_t towline_php_major = PHP_MAJOR_VERSION;
const uint8_t towline_php_minor = PHP_MINOR_VERSION;

zend_class_entry *towline_closure_ce(void) { return zend_ce_closure; }
zend_class_entry *towline_runtime_exception_ce(void) { return spl_ce_RuntimeException; }
zend_class_entry *towline_traversable_ce(void) { return zend_ce_traversable; }

bool towline_exception_pending(void) { return EG(exception) != NULL; }

/* The argument of the running function when there is just this one, and it is of this kind; else NULL. */
zval *towline_only_object(zend_class_entry *ce)
{
	zend_execute_data *frame = EG(current_execute_data);
	zval *argument = ZEND_CALL_ARG(frame, 1);
	bool fits = ZEND_CALL_NUM_ARGS(frame) == 1 && Z_TYPE_P(argument) == IS_OBJECT && Z_OBJCE_P(argument) == ce;
	return fits ? argument : NULL;
}

zend_string *towline_only_string(void)
{
	zend_execute_data *frame = EG(current_execute_data);
	zval *argument = ZEND_CALL_ARG(frame, 1);
	return ZEND_CALL_NUM_ARGS(frame) == 1 && Z_TYPE_P(argument) == IS_STRING ? Z_STR_P(argument) : NULL;
}

/* The reference taken here keeps a closure alive that replaces itself while it runs. */
bool towline_call(zend_object *closure, uint32_t argc, zval *argv, zval *ret)
{
	zend_class_entry *scope = NULL;
	zend_function *function = NULL;
	zend_object *self = NULL;
	ZVAL_UNDEF(ret);
	if (EG(exception) || closure->handlers->get_closure(closure, &scope, &function, &self, false) == FAILURE) {
		return false;
	}
	GC_ADDREF(closure);
	zend_call_known_function(function, self, scope, ret, argc, argv, NULL);
	OBJ_RELEASE(closure);
	return EG(exception) == NULL;
}

bool towline_call_function(const char *name, size_t length, uint32_t argc, zval *argv, zval *ret)
{
	zend_function *function = zend_hash_str_find_ptr(EG(function_table), name, length);
	ZVAL_UNDEF(ret);
	if (!function) {
		zend_throw_error(NULL, "Towline needs the function %s(), which this PHP does not have", name);
		return false;
	}
	zend_call_known_function(function, NULL, NULL, ret, argc, argv, NULL);
	return EG(exception) == NULL;
}

/* name in lower case */
bool towline_call_method(zend_object *object, const char *name, size_t length, zval *ret)
{
	zend_function *function = zend_hash_str_find_ptr(&object->ce->function_table, name, length);
	ZVAL_UNDEF(ret);
	if (!function) {
		zend_throw_error(NULL, "%s has no method %s()", ZSTR_VAL(object->ce->name), name);
		return false;
	}
	zend_call_known_function(function, object, object->ce, ret, 0, NULL, NULL);
	return EG(exception) == NULL;
}

bool towline_construct(const char *class_name, zval *argument, zval *object)
{
	zend_string *name = zend_string_init(class_name, strlen(class_name), 0);
	zend_class_entry *ce = zend_lookup_class(name);
	zend_string_release(name);
	ZVAL_UNDEF(object);
	if (!ce || object_init_ex(object, ce) == FAILURE) {
		return false;
	}
	zend_call_known_function(ce->constructor, Z_OBJ_P(object), ce, NULL, 1, argument, NULL);
	return EG(exception) == NULL;
}

bool towline_instance_of(zend_object *object, zend_class_entry *ce) { return instanceof_function(object->ce, ce); }

/* Makes an argument a string as the engine's parser does for one that is declared so; false when it takes none of this type. */
bool towline_string_argument(zval *argument, uint32_t number)
{
	zend_string *string;
	return Z_TYPE_P(argument) != IS_NULL && zend_parse_arg_str(argument, &string, /* check_null */ false, number);
}

/* Exceptions. */

void towline_throw_object(zend_object *exception)
{
	zval copy;
	ZVAL_OBJ_COPY(&copy, exception);
	zend_throw_exception_object(&copy);
}

void towline_exception_object(zend_class_entry *ce, const char *message, size_t length, zval *out)
{
	zval text;
	zend_class_entry *base = instanceof_function(ce, zend_ce_error) ? zend_ce_error : zend_ce_exception;
	object_init_ex(out, ce);
	ZVAL_STRINGL(&text, message, length);
	zend_update_property_ex(base, Z_OBJ_P(out), ZSTR_KNOWN(ZEND_STR_MESSAGE), &text);
	zval_ptr_dtor(&text);
}

/* The engine's own way takes a C string, which ends at the first zero byte. */
void towline_throw(zend_class_entry *ce, const char *message, size_t length)
{
	zval exception;
	towline_exception_object(ce, message, length, &exception);
	zend_throw_exception_object(&exception);
}

/* zend_argument_value_error() for any bytes */
void towline_argument_error(uint32_t number, const char *message, size_t length)
{
	zend_string *function, *start, *text;
	const char *name;
	if (EG(exception)) {
		return;
	}
	function = get_active_function_or_method_name();
	name = get_active_function_arg_name(number);
	start = strpprintf(0, "%s(): Argument #%" PRIu32 "%s%s%s ", ZSTR_VAL(function), number, name ? " ($" : "", name ? name : "", name ? ")" : "");
	text = zend_string_concat2(ZSTR_VAL(start), ZSTR_LEN(start), message, length);
	towline_throw(zend_ce_value_error, ZSTR_VAL(text), ZSTR_LEN(text));
	zend_string_release(text);
	zend_string_release(start);
	zend_string_release(function);
}

/* False when there is none, or one that no program may catch. */
bool towline_take_exception(zval *out)
{
	zend_object *exception = EG(exception);
	if (!exception || zend_is_unwind_exit(exception) || zend_is_graceful_exit(exception)) {
		return false;
	}
	ZVAL_OBJ_COPY(out, exception);
	zend_clear_exception();
	return true;
}

/* Fibers. */

void *towline_fiber(void) { return EG(active_fiber); }

bool towline_fiber_may_suspend(void)
{
	zend_fiber *fiber = EG(active_fiber);
	return fiber && !(fiber->flags & ZEND_FIBER_FLAG_DESTROYED) && !zend_fiber_switch_blocked();
}

size_t towline_fiber_stack_size(void) { return EG(active_fiber) ? (size_t) EG(fiber_stack_size) : SIZE_MAX; }

static bool towline_fiber_call(const char *name, size_t length, zend_object *fiber)
{
	zval ret;
	zend_function *function = zend_hash_str_find_ptr(&zend_ce_fiber->function_table, name, length);
	ZVAL_UNDEF(&ret);
	zend_call_known_function(function, fiber, zend_ce_fiber, &ret, 0, NULL, NULL);
	zval_ptr_dtor(&ret);
	return EG(exception) == NULL;
}

bool towline_fiber_suspend(void) { return towline_fiber_call(ZEND_STRL("suspend"), NULL); }

/* Does nothing to a fiber that is not suspended: somebody else has resumed it meanwhile. */
bool towline_fiber_resume(zend_object *object)
{
	zend_fiber *fiber = (zend_fiber *) object;
	if (fiber->context.status != ZEND_FIBER_STATUS_SUSPENDED || fiber->caller != NULL) {
		return true;
	}
	return towline_fiber_call(ZEND_STRL("resume"), object);
}

/* What a fiber runs that Towline starts: job() of Towline's, with the arguments of the start. */

static void (*towline_job)(zval *arguments);
static zend_internal_function towline_job_function;

ZEND_BEGIN_ARG_INFO_EX(towline_job_info, 0, 0, 0)
ZEND_END_ARG_INFO()

static void towline_job_handler(INTERNAL_FUNCTION_PARAMETERS) { towline_job(ZEND_CALL_ARG(execute_data, 1)); }

/* MINIT */
void towline_fiber_job(void (*job)(zval *arguments))
{
	towline_job = job;
	towline_job_function.type = ZEND_INTERNAL_FUNCTION;
	towline_job_function.function_name = zend_string_init_interned(ZEND_STRL("{towline}"), 1);
	towline_job_function.arg_info = (zend_internal_arg_info *) towline_job_info + 1;
	towline_job_function.handler = towline_job_handler;
}

/* Runs the job in a new fiber until it ends or is suspended. False with the exception that came out of it, or when there can be no fiber. */
bool towline_fiber_start(uint32_t argc, zval *argv)
{
	zval closure, fiber, ret;
	ZVAL_UNDEF(&ret);
	zend_create_closure(&closure, (zend_function *) &towline_job_function, NULL, NULL, NULL);
	if (towline_construct("Fiber", &closure, &fiber)) {
		zend_function *start = zend_hash_str_find_ptr(&zend_ce_fiber->function_table, ZEND_STRL("start"));
		zend_call_known_function(start, Z_OBJ(fiber), zend_ce_fiber, &ret, argc, argv, NULL);
	}
	zval_ptr_dtor(&ret);
	zval_ptr_dtor(&fiber);
	zval_ptr_dtor(&closure);
	return EG(exception) == NULL;
}

/*
 * Some releases of PHP do not leave a function that exceeds the memory limit: they note it, for the VM to end the script
 * between two opcodes. The module may be loaded into a release of the same minor version without that.
 */
#ifdef ZEND_HAS_OOM
#pragma weak zend_handle_delayed_oom
#pragma weak _safe_femalloc
static bool towline_defers_oom(void) { return zend_handle_delayed_oom != NULL && _safe_femalloc != NULL; }
#endif

/* What the VM does between opcodes: signal handlers of pcntl, the time limit, a memory limit exceeded before. */
bool towline_interrupt(void)
{
#if PHP_VERSION_ID >= 80200
	if (EXPECTED(!zend_atomic_bool_load_ex(&EG(vm_interrupt)))) {
		return true;
	}
	zend_atomic_bool_store_ex(&EG(vm_interrupt), false);
	if (zend_atomic_bool_load_ex(&EG(timed_out))) {
		zend_timeout();
	}
#else
	if (EXPECTED(!EG(vm_interrupt))) {
		return true;
	}
	EG(vm_interrupt) = 0;
	if (EG(timed_out)) {
		zend_timeout();
	}
#endif
#ifdef ZEND_HAS_OOM
	else if (towline_defers_oom() && ZEND_HAS_OOM()) {
		zend_handle_delayed_oom();
	}
#endif
	else if (zend_interrupt_function) {
		zend_interrupt_function(EG(current_execute_data));
	}
	return EG(exception) == NULL;
}

/* Takes ownership of fd. The engine's macro picks the right arity for its version. */
bool towline_stream(int fd, zval *out)
{
	php_stream *stream = php_stream_fopen_from_fd(fd, "r", NULL);
	if (!stream) {
		return false;
	}
	php_stream_to_zval(stream, out);
	return true;
}

/* As parse_str() does. */
void towline_parse_query(const char *text, size_t length, zval *out)
{
	array_init(out);
	sapi_module.treat_data(PARSE_STRING, estrndup(text, length), out);
}

/* Without the engine's warning, which would run the program's error handler. */
bool towline_open_basedir_allows(const char *path) { return php_check_open_basedir_ex(path, 0) == 0; }

/* The cycle collector. */

void *towline_gc_begin(zend_object *object)
{
	zend_get_gc_buffer *buffer = zend_get_gc_buffer_create();
	for (int i = 0; i < object->ce->default_properties_count; i++) {
		zend_get_gc_buffer_add_zval(buffer, OBJ_PROP_NUM(object, i));
	}
	return buffer;
}

void towline_gc_add(void *buffer, zval *value) { zend_get_gc_buffer_add_zval(buffer, value); }

void towline_gc_end(void *buffer, zval **table, int *n) { zend_get_gc_buffer_use(buffer, table, n); }

/* Classes: declared properties are the engine's own, so its own handlers serve them. */

void towline_handlers(zend_object_handlers *handlers, zend_object_get_gc_t get_gc, zend_object_get_debug_info_t get_debug_info)
{
	const zend_object_handlers *standard = zend_get_std_object_handlers();
	handlers->read_property = standard->read_property;
	handlers->write_property = standard->write_property;
	handlers->has_property = standard->has_property;
	handlers->unset_property = standard->unset_property;
	handlers->get_property_ptr_ptr = standard->get_property_ptr_ptr;
	handlers->get_properties = standard->get_properties;
	handlers->compare = zend_objects_not_comparable;
	handlers->get_gc = get_gc;
	handlers->get_debug_info = get_debug_info;
	handlers->clone_obj = NULL;
}

/* class_name NULL: the types in mask. */
void towline_readonly(zend_class_entry *ce, const char *name, uint32_t mask, const char *class_name)
{
	zval undefined;
	zend_string *property = zend_string_init_interned(name, strlen(name), 1);
	zend_type type = ZEND_TYPE_INIT_MASK(mask);
	if (class_name) {
		type = (zend_type) ZEND_TYPE_INIT_CLASS(zend_string_init_interned(class_name, strlen(class_name), 1), 0, 0);
	}
	ZVAL_UNDEF(&undefined);
	zend_declare_typed_property(ce, property, &undefined, ZEND_ACC_PUBLIC | ZEND_ACC_READONLY, NULL, type);
}

zval *towline_slot(zend_object *object, uint32_t index) { return OBJ_PROP_NUM(object, index); }

/* Sets what arginfo made from a single type cannot say: adds mask to a class type, else replaces the scalar types. -1: return type. */
void towline_retype(zend_class_entry *ce, const char *method, int argument, uint32_t mask)
{
	zend_function *function = zend_hash_str_find_ptr(&ce->function_table, method, strlen(method));
	zend_type *type;
	if (!function) {
		return;
	}
	type = &((zend_internal_arg_info *) function->internal_function.arg_info)[argument].type;
	if (!type->ptr) {
		type->type_mask &= ~(uint32_t) _ZEND_TYPE_MAY_BE_MASK;
	}
	type->type_mask |= mask;
}

const uint32_t towline_may_be_array = MAY_BE_ARRAY;
const uint32_t towline_may_be_string = MAY_BE_STRING;
const uint32_t towline_may_be_long = MAY_BE_LONG;
const uint32_t towline_may_be_bool = MAY_BE_BOOL;
const uint32_t towline_may_be_null = MAY_BE_NULL;
const uint32_t towline_may_be_double = MAY_BE_DOUBLE;
const uint32_t towline_may_be_static = MAY_BE_STATIC;

/* Values. */

void towline_set_string(zval *out, const char *bytes, size_t length) { ZVAL_STR(out, zend_string_init_fast(bytes, length)); }

/* False, and no string made: the memory limit is exceeded, and the interrupt that says so is to be served. */
bool towline_try_string(zval *out, const char *bytes, size_t length)
{
#ifdef ZEND_HAS_OOM
	if (towline_defers_oom()) {
		zend_string *string = zend_string_finit_fast(bytes, length, /* fallible */ true);
		if (string) {
			ZVAL_STR(out, string);
		}
		return string != NULL;
	}
#endif
	towline_set_string(out, bytes, length);
	return true;
}

void towline_assoc(zval *array, const char *key, size_t length, zval *value) { add_assoc_zval_ex(array, key, length, value); }

bool towline_array_next(HashTable *array, HashPosition *position, zend_string **key, zend_ulong *index, zval **value)
{
	zval *found = zend_hash_get_current_data_ex(array, position);
	if (!found) {
		return false;
	}
	*key = NULL;
	zend_hash_get_current_key_ex(array, key, index, position);
	ZVAL_DEREF(found);
	*value = found;
	zend_hash_move_forward_ex(array, position);
	return true;
}

zval *towline_array_find(HashTable *array, const char *key, size_t length)
{
	zval *found = zend_symtable_str_find(array, key, length);
	if (found) {
		ZVAL_DEREF(found);
	}
	return found;
}

/* NULL with an exception when the value has no string form. */
zend_string *towline_to_string(zval *value) { return zval_try_get_string(value); }
void towline_string_release(zend_string *string) { zend_string_release(string); }

const char *towline_type_name(zval *value) { return zend_zval_type_name(value); }
