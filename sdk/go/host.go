//go:build wasip1 || wasm

package orama

import "unsafe"

func text(s string) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.StringData(s)), uint32(len(s))
}

func blob(b []byte) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b))
}

// Buffers that the host has requested and whose results have not been taken yet. The map keeps them
// from being garbage-collected and maps an address back to its slice.
var pinned = map[uint32][]byte{}

// oramaAlloc allocates a buffer. The host calls it while main is inside an import.
//
//go:wasmexport orama_alloc
func oramaAlloc(size uint32) uint32 {
	buffer := make([]byte, max(size, 1))
	address := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(buffer))))
	pinned[address] = buffer
	return address
}

// Takes a result, which is pointer << 32 | length; 0 means empty or failed.
func take(result uint64) []byte {
	address, length := uint32(result>>32), uint32(result)
	buffer := pinned[address]
	delete(pinned, address)
	if length == 0 || uint32(len(buffer)) < length {
		return nil
	}
	return buffer[:length]
}

//go:wasmimport env get_caller_wallet
func hostGetCallerWallet() uint64

//go:wasmimport env get_request_id
func hostGetRequestID() uint64

//go:wasmimport env get_env
func hostGetEnv(key unsafe.Pointer, keyLen uint32) uint64

//go:wasmimport env get_secret
func hostGetSecret(name unsafe.Pointer, nameLen uint32) uint64

//go:wasmimport env db_query
func hostDBQuery(sql unsafe.Pointer, sqlLen uint32, args unsafe.Pointer, argsLen uint32) uint64

//go:wasmimport env db_execute
func hostDBExecute(sql unsafe.Pointer, sqlLen uint32, args unsafe.Pointer, argsLen uint32) int32

//go:wasmimport env cache_get
func hostCacheGet(key unsafe.Pointer, keyLen uint32) uint64

//go:wasmimport env cache_set
func hostCacheSet(key unsafe.Pointer, keyLen uint32, value unsafe.Pointer, valueLen uint32, ttl int64)

//go:wasmimport env cache_incr_by
func hostCacheIncrBy(key unsafe.Pointer, keyLen uint32, delta int64) int64

//go:wasmimport env cache_delete
func hostCacheDelete(key unsafe.Pointer, keyLen uint32) int32

//go:wasmimport env http_fetch
func hostHTTPFetch(
	method unsafe.Pointer, methodLen uint32,
	url unsafe.Pointer, urlLen uint32,
	headers unsafe.Pointer, headersLen uint32,
	body unsafe.Pointer, bodyLen uint32,
) uint64

//go:wasmimport env pubsub_publish
func hostPubsubPublish(topic unsafe.Pointer, topicLen uint32, data unsafe.Pointer, dataLen uint32) int32

//go:wasmimport env enqueue
func hostEnqueue(function unsafe.Pointer, functionLen uint32, payload unsafe.Pointer, payloadLen uint32, delay int64) uint64

//go:wasmimport env storage_put
func hostStoragePut(data unsafe.Pointer, dataLen uint32) uint64

//go:wasmimport env storage_get
func hostStorageGet(cid unsafe.Pointer, cidLen uint32) uint64

//go:wasmimport env log_debug
func hostLogDebug(message unsafe.Pointer, messageLen uint32)

//go:wasmimport env log_info
func hostLogInfo(message unsafe.Pointer, messageLen uint32)

//go:wasmimport env log_warn
func hostLogWarn(message unsafe.Pointer, messageLen uint32)

//go:wasmimport env log_error
func hostLogError(message unsafe.Pointer, messageLen uint32)
