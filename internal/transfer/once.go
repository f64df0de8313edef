package transfer

import (
	"context"
	"sync"
	"time"
)

// Once asks for a value on the first call of Do. Calls meanwhile wait, and later ones
// return the same value or error.
//
// The error of a caller that gave up is not kept. That of a caller with a deadline is kept
// for callers without a later one: with more time, a further attempt may succeed.
type Once[T any] struct {
	Get func(context.Context) (T, error)

	mu       sync.Mutex
	done     bool
	value    T
	err      error
	deadline time.Time // of the caller that got err, zero for none
}

// Do returns the value.
func (o *Once[T]) Do(ctx context.Context) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done || o.err != nil && o.hasMoreTime(ctx) {
		o.value, o.err = o.Get(ctx)
		o.done = ctx.Err() == nil
		o.deadline, _ = ctx.Deadline()
	}
	return o.value, o.err
}

// hasMoreTime reports whether ctx ends later than that of the caller that got the error.
func (o *Once[T]) hasMoreTime(ctx context.Context) bool {
	deadline, ends := ctx.Deadline()
	return !o.deadline.IsZero() && (!ends || deadline.After(o.deadline))
}

// OnceEach is a Once for each key.
type OnceEach[K comparable, T any] struct {
	Get func(context.Context, K) (T, error)

	mu    sync.Mutex
	byKey map[K]*Once[T]
}

// Do returns the value of a key.
func (o *OnceEach[K, T]) Do(ctx context.Context, key K) (T, error) {
	o.mu.Lock()
	if o.byKey == nil {
		o.byKey = map[K]*Once[T]{}
	}
	one := o.byKey[key]
	if one == nil {
		one = &Once[T]{Get: func(ctx context.Context) (T, error) { return o.Get(ctx, key) }}
		o.byKey[key] = one
	}
	o.mu.Unlock()
	return one.Do(ctx)
}
