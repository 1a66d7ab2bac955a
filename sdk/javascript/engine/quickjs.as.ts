// Functions of QuickJS and its extensions that the glue uses. A JSValue is an i64. Arguments remain
// owned by the caller, and results are owned by it.

@external("quickjs", "_initialize") export declare function startLibc(): void;
@external("quickjs", "malloc") export declare function malloc(size: u32): u32;
@external("quickjs", "free") export declare function free(pointer: u32): void;
@external("quickjs", "qjs_init") export declare function qjs_init(): i32;
@external("quickjs", "qjs_get_context_ptr") export declare function qjs_get_context_ptr(): u32;
@external("quickjs", "qjs_get_runtime_ptr") export declare function qjs_get_runtime_ptr(): u32;
@external("quickjs", "qjs_get_allocated_size") export declare function qjs_get_allocated_size(): u32;
@external("quickjs", "qjs_set_promise_rejection_handler") export declare function qjs_set_promise_rejection_handler(on: i32): void;
@external("quickjs", "qjs_eval_bytecode") export declare function qjs_eval_bytecode(pointer: u32, length: u32): u32;
@external("quickjs", "qjs_get_undefined") export declare function qjs_get_undefined(): u32;
@external("quickjs", "qjs_get_null") export declare function qjs_get_null(): u32;
@external("quickjs", "qjs_get_true") export declare function qjs_get_true(): u32;
@external("quickjs", "qjs_free_value") export declare function qjs_free_value(value: u32): void;
@external("quickjs", "JS_SetMaxStackSize") export declare function JS_SetMaxStackSize(runtime: u32, bytes: u32): void;
@external("quickjs", "JS_SetGCThreshold") export declare function JS_SetGCThreshold(runtime: u32, bytes: u32): void;
@external("quickjs", "JS_RunGC") export declare function JS_RunGC(runtime: u32): void;
@external("quickjs", "JS_GetGlobalObject") export declare function JS_GetGlobalObject(context: u32): u64;
@external("quickjs", "JS_SetPropertyStr") export declare function JS_SetPropertyStr(context: u32, object: u64, name: u32, value: u64): i32;
@external("quickjs", "JS_NewCFunction2") export declare function JS_NewCFunction2(context: u32, run: u32, name: u32, length: i32, protocol: i32, magic: i32): u64;
@external("quickjs", "JS_NewNumber") export declare function JS_NewNumber(context: u32, value: f64): u64;
@external("quickjs", "JS_NewBigInt64") export declare function JS_NewBigInt64(context: u32, value: i64): u64;
@external("quickjs", "JS_NewStringLen") export declare function JS_NewStringLen(context: u32, pointer: u32, length: u32): u64;
@external("quickjs", "JS_NewUint8ArrayCopy") export declare function JS_NewUint8ArrayCopy(context: u32, pointer: u32, length: u32): u64;
@external("quickjs", "JS_GetUint8Array") export declare function JS_GetUint8Array(context: u32, length: u32, value: u64): u32;
@external("quickjs", "JS_ToCStringLen2") export declare function JS_ToCStringLen2(context: u32, length: u32, value: u64, cesu8: i32): u32;
@external("quickjs", "JS_FreeCString") export declare function JS_FreeCString(context: u32, pointer: u32): void;
@external("quickjs", "JS_ToFloat64") export declare function JS_ToFloat64(context: u32, result: u32, value: u64): i32;
@external("quickjs", "JS_DupValue") export declare function JS_DupValue(context: u32, value: u64): u64;
@external("quickjs", "JS_FreeValue") export declare function JS_FreeValue(context: u32, value: u64): void;
@external("quickjs", "JS_Call") export declare function JS_Call(context: u32, run: u64, self: u64, count: i32, args: u32): u64;
@external("quickjs", "JS_ExecutePendingJob") export declare function JS_ExecutePendingJob(runtime: u32, context: u32): i32;
@external("quickjs", "JS_GetException") export declare function JS_GetException(context: u32): u64;
@external("quickjs", "JS_PromiseState") export declare function JS_PromiseState(context: u32, promise: u64): i32;
@external("quickjs", "JS_PromiseResult") export declare function JS_PromiseResult(context: u32, promise: u64): u64;

@external("url", "__wasm_apply_data_relocs") export declare function relocateUrl(): void;
@external("url", "qjs_ext_url_init") export declare function initUrl(context: u32, runtime: u32): i32;
@external("encoding", "__wasm_apply_data_relocs") export declare function relocateEncoding(): void;
@external("encoding", "qjs_ext_encoding_init") export declare function initEncoding(context: u32, runtime: u32): i32;
@external("crypto", "__wasm_apply_data_relocs") export declare function relocateCrypto(): void;
@external("crypto", "qjs_ext_crypto_init") export declare function initCrypto(context: u32, runtime: u32): i32;

/** Address of the bytecode: after QuickJS's initial memory. */
@external("layout", "program") export declare const PROGRAM: u32;
/** The part of the stack that QuickJS may use; the rest contains the data of the extensions. */
@external("layout", "stack") export declare const STACK_BYTES: u32;
