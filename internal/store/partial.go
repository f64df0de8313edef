package store

import (
	"encoding/json"
	"errors"
	"fmt"
)

// PartialFile is the name of the file that holds a Partial.
const PartialFile = "partial.json"

// maxPartial bounds the record of a partial delivery in bytes: a receipt, and in base64 a
// bundle of 8 MiB, in which JSON may escape every byte of three files (prepare.MaxFrom).
const maxPartial = 12 << 20

// ErrPartialInvalid means that the record of a partial delivery is not one of this
// bundle, so that it does not say which targets have the event.
var ErrPartialInvalid = errors.New("the record of a partial delivery is invalid")

// encodePartial renders the record of a partial delivery. It refuses one that parsePartial
// would not accept.
func encodePartial(p *Partial, h home) ([]byte, error) {
	named := *p
	named.RepositoryID = h.id
	if err := checkPartial(&named, h, p.Name); err != nil {
		return nil, err
	}
	return encodeJSON(&named, maxPartial, "shorten what the bundle has, or deliver to fewer targets")
}

// parsePartial reads the untrusted record of a partial delivery, which must be about the
// bundle name in the ledger of h.
func parsePartial(data []byte, h home, name string) (*Partial, error) {
	var p Partial
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPartialInvalid, err)
	}
	if err := checkPartial(&p, h, name); err != nil {
		return nil, fmt.Errorf("%w: it %w", ErrPartialInvalid, err)
	}
	return &p, nil
}

// checkPartial returns why p cannot be continued; nil if it can.
func checkPartial(p *Partial, h home, name string) error {
	if err := checkEvent(&p.Receipt, h, name); err != nil {
		return err
	}
	if len(p.Files) == 0 {
		return nil
	}
	if len(p.Files) != 2 {
		return fmt.Errorf("holds %d files of the bundle, which has 2", len(p.Files))
	}
	if content, sources := p.Files[0].Name, p.Files[1].Name; !isBundle(content) || sources != SourcesFile {
		return fmt.Errorf("holds the files %q and %q in place of the bundle's", content, sources)
	}
	return nil
}
