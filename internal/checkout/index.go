package checkout

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// maxIndex is the largest .git/index that is read, in bytes. It has room for about
// 300,000 files.
const maxIndex = 32 << 20

// The layout of an index: https://git-scm.com/docs/gitformat-index. Object names have 20
// bytes, as SHA-1 has.
const (
	indexHeader   = 12
	indexFixed    = 62 // of an entry before its name, in versions 2 and 3
	indexModeAt   = 24
	indexFlagsAt  = 60
	indexTrailer  = 20
	flagExtended  = 0x4000
	modeDirectory = 0o040000
)

// Tracked reports whether git tracks each name according to the tree's own index. Known
// is false if there is no index, or if it is split, sparse or not of SHA-1.
func (t *Tree) Tracked(names ...string) (tracked []bool, known bool) {
	git, err := t.openRepository()
	if err != nil {
		return nil, false
	}
	defer git.close()
	f := git.open(git.own, "index")
	if f == nil {
		return nil, false
	}
	defer f.Close()
	data, err := readAll(f, maxIndex)
	if err != nil {
		return nil, false
	}
	asked := make(map[string]bool, len(names)) // and whether it is tracked
	for _, name := range names {
		asked[name] = false
	}
	known = readIndex(data, func(name []byte) {
		if _, ok := asked[string(name)]; ok {
			asked[string(name)] = true
		}
	})
	for _, name := range names {
		tracked = append(tracked, asked[name])
	}
	return tracked, known
}

// readIndex calls yield with each name in an index. It returns false if the index cannot
// be read to its end.
func readIndex(data []byte, yield func(name []byte)) bool {
	if len(data) < indexHeader+indexTrailer || !bytes.HasPrefix(data, []byte("DIRC")) {
		return false
	}
	version, count := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	if version < 2 || version > 4 {
		return false
	}
	rest := data[indexHeader : len(data)-indexTrailer]
	var name []byte
	for range count {
		size := indexFixed
		if len(rest) <= size || binary.BigEndian.Uint32(rest[indexModeAt:]) == modeDirectory { // only in a sparse index
			return false
		}
		if binary.BigEndian.Uint16(rest[indexFlagsAt:])&flagExtended != 0 {
			size += 2
		}
		if version == 4 {
			drop, n := pathOffset(rest[min(size, len(rest)):])
			if n == 0 || drop > len(name) {
				return false
			}
			size, name = size+n, name[:len(name)-drop]
		} else {
			name = name[:0]
		}
		end := bytes.IndexByte(rest[min(size, len(rest)):], 0)
		if end < 0 {
			return false
		}
		name = append(name, rest[size:size+end]...)
		yield(name)
		size += end + 1
		if version < 4 {
			size = (size + 7) / 8 * 8 // one to eight NUL bytes, up to a multiple of eight
		}
		rest = rest[min(size, len(rest)):]
	}
	return areExtensions(rest)
}

// pathOffset decodes how many bytes of the previous name to drop, as git's varint.c does.
// N is 0 if data does not begin with such a number.
func pathOffset(data []byte) (value, n int) {
	for n < len(data) && n < 5 {
		c := data[n]
		n++
		value = value<<7 | int(c&0x7f)
		if c&0x80 == 0 {
			return value, n
		}
		value++
	}
	return 0, 0
}

// areExtensions reports whether data consists of extensions, none of which says that
// entries are in another file. This also detects an index with object names of another
// length.
func areExtensions(data []byte) bool {
	for len(data) > 0 {
		if len(data) < 8 || strings.Contains("link sdir", string(data[:4])) {
			return false
		}
		size := binary.BigEndian.Uint32(data[4:])
		if uint64(size) > uint64(len(data)-8) {
			return false
		}
		data = data[8+size:]
	}
	return true
}
