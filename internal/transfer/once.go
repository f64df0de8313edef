package transfer

import (
	"context"
	"sync"
)

// Once asks for a value on the first call of Do. Calls meanwhile wait, and later ones return
// the same value or error. Only the error of a caller that gave up is not kept.
type Once[T any] struct {
	Get func(context.Context) (T, error)

	mu    sync.Mutex
	done  bool
	value T
	err   error
}

// Do returns the value.
func (o *Once[T]) Do(ctx context.Context) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		o.value, o.err = o.Get(ctx)
		o.done = ctx.Err() == nil
	}
	return o.value, o.err
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
