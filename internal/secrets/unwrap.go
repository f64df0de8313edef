package secrets

import "strconv"

// unwrap drops zero bytes, and decodes the escapes of JSON strings and those that
// Markdown editors put before an underscore and other punctuation. Offsets has the place
// in data of each byte of text, and one more for the end.
func unwrap(data []byte) (text []byte, offsets []int) {
	offsets = make([]int, 0, len(data)+1)
	for i := 0; i < len(data); {
		c, size := data[i], 1
		if c == '\\' && i+1 < len(data) {
			c, size = escaped(data[i+1:])
		}
		if c != 0 {
			text, offsets = append(text, c), append(offsets, i)
		}
		i += size
	}
	return text, append(offsets, len(data))
}

// escaped decodes the escape whose backslash is before data. Size is the length of the
// escape including the backslash. Escapes of characters beyond ASCII stay, because no
// pattern has any.
func escaped(data []byte) (c byte, size int) {
	zeros := 0 // between the bytes of UTF-16
	for zeros < len(data)-1 && data[zeros] == 0 {
		zeros++
	}
	data = data[zeros:]
	switch c := data[0]; c {
	case 'n', 'r':
		return '\n', zeros + 2
	case 't':
		return '\t', zeros + 2
	case '"', '/', '_', '-', '.', '~', '+', '=':
		return c, zeros + 2
	case '\\':
		if len(data) > 1 && data[1] == '_' { // Markdown's escape in a JSON string
			return '_', zeros + 3
		}
		return c, zeros + 2
	case 'u':
		if len(data) >= 5 {
			if v, err := strconv.ParseUint(string(data[1:5]), 16, 16); err == nil && v < 0x80 {
				return byte(v), zeros + 6
			}
		}
	}
	return '\\', 1
}
