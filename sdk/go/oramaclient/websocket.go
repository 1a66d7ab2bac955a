package oramaclient

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// The part of a WebSocket client (RFC 6455) that is needed to receive text messages. The standard
// library has none, and this client has no dependencies.

const (
	opContinuation = 0x0
	opText         = 0x1
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA

	closePolicy = 1008

	// A message of 1 MB in Base64 plus the other fields.
	mostFrameBytes   = 16 << 20
	handshakeTimeout = 30 * time.Second
	// The engine pings more often than this. After this time without data the connection is
	// considered lost.
	silenceTimeout = 45 * time.Second

	acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

type socket struct {
	stream io.ReadWriteCloser
	reader *bufio.Reader
	// silence closes the stream, which has no deadlines.
	silence *time.Timer
	once    sync.Once
}

// dialSocket opens a socket through the transport of the client, and hence with its proxy, its dialer
// and its TLS configuration. The client itself has a timeout for whole responses.
func dialSocket(ctx context.Context, transport http.RoundTripper, address string, header http.Header) (*socket, error) {
	// The stream of an upgraded connection outlasts the context of its request.
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	key := base64.StdEncoding.EncodeToString(nonce)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "websocket")
	request.Header.Set("Sec-WebSocket-Version", "13")
	request.Header.Set("Sec-WebSocket-Key", key)
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, &Error{Code: CodeUnreachable, Message: "cannot connect to " + request.URL.Host + ": " + err.Error(), cause: err}
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		defer response.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
		return nil, failure(response, body)
	}
	stream, ok := response.Body.(io.ReadWriteCloser)
	if !ok || response.Header.Get("Sec-WebSocket-Accept") != accept(key) {
		_ = response.Body.Close()
		return nil, &Error{
			Code:    CodeInternal,
			Message: "the WebSocket handshake of the server, or of the client's transport, does not conform to RFC 6455",
			Status:  response.StatusCode,
		}
	}
	s := &socket{stream: stream, reader: bufio.NewReader(stream)}
	s.silence = time.AfterFunc(silenceTimeout, s.close)
	return s, nil
}

// accept returns the Sec-WebSocket-Accept value for the key of a handshake (RFC 6455 §4.2.2).
func accept(key string) string {
	digest := sha1.Sum([]byte(key + acceptGUID))
	return base64.StdEncoding.EncodeToString(digest[:])
}

// read returns the next text message and answers pings meanwhile.
func (s *socket) read() ([]byte, error) {
	var message []byte
	for {
		s.silence.Reset(silenceTimeout)
		final, opcode, payload, err := s.readFrame()
		if err != nil {
			return nil, err
		}
		switch opcode {
		case opPing:
			if err := s.write(opPong, payload); err != nil {
				return nil, err
			}
		case opPong:
		case opClose:
			_ = s.write(opClose, payload)
			return nil, closeError(payload)
		case opText, opContinuation:
			message = append(message, payload...)
			if len(message) > mostFrameBytes {
				return nil, errors.New("orama: the message is too large")
			}
			if final {
				return message, nil
			}
		default:
			return nil, fmt.Errorf("orama: a frame with the unknown opcode %d", opcode)
		}
	}
}

func (s *socket) readFrame() (final bool, opcode byte, payload []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(s.reader, head[:]); err != nil {
		return
	}
	final, opcode = head[0]&0x80 != 0, head[0]&0x0F
	size := uint64(head[1] & 0x7F)
	if head[0]&0x70 != 0 || head[1]&0x80 != 0 {
		return false, 0, nil, errors.New("orama: the server sent a frame that RFC 6455 does not allow")
	}
	switch size {
	case 126:
		var extended [2]byte
		_, err = io.ReadFull(s.reader, extended[:])
		size = uint64(binary.BigEndian.Uint16(extended[:]))
	case 127:
		var extended [8]byte
		_, err = io.ReadFull(s.reader, extended[:])
		size = binary.BigEndian.Uint64(extended[:])
	}
	if err != nil {
		return
	}
	if size > mostFrameBytes {
		return false, 0, nil, errors.New("orama: the frame is too large")
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(s.reader, payload)
	return
}

// write sends a control frame. Frames of a client are masked (RFC 6455 §5.3).
func (s *socket) write(opcode byte, payload []byte) error {
	if len(payload) > 125 {
		payload = payload[:125]
	}
	var mask [4]byte
	if _, err := rand.Read(mask[:]); err != nil {
		return err
	}
	frame := append([]byte{0x80 | opcode, 0x80 | byte(len(payload))}, mask[:]...)
	for at, one := range payload {
		frame = append(frame, one^mask[at%4])
	}
	_, err := s.stream.Write(frame)
	return err
}

func closeError(payload []byte) error {
	if len(payload) >= 2 && binary.BigEndian.Uint16(payload) == closePolicy {
		return &Error{Code: CodeUnauthorized, Status: http.StatusUnauthorized, Message: "the credential has expired or was revoked"}
	}
	return io.EOF
}

func (s *socket) close() {
	s.once.Do(func() {
		s.silence.Stop()
		_ = s.stream.Close()
	})
}
