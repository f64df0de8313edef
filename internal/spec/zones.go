package spec

import (
	_ "embed"
	"strings"
	_ "time/tzdata" // the image has no zone files, and all machines must know the same zones
)

// zoneNames lists the names in Go's zone data, one per line. time.LoadLocation alone
// would accept a wrong case on some file systems. A test compares the list with the
// toolchain's data.
//
//go:embed zones.txt
var zoneNames string

// Zones returns the names of all valid time zones in alphabetical order.
func Zones() []string { return strings.Fields(zoneNames) }

// FixedOffsetCity returns the zone of a city to use in place of a zone with a fixed
// offset, or "" for any other zone.
func FixedOffsetCity(zone string) string {
	if sign, ok := strings.CutPrefix(zone, "Etc/GMT"); ok {
		return cityAt[sign]
	}
	return map[string]string{"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}[zone]
}

// cityAt maps the offset in a name such as Etc/GMT+5 to the zone of a large city. In
// these names + is west of Greenwich.
var cityAt = map[string]string{
	"+12": "Pacific/Pago_Pago", "+11": "Pacific/Pago_Pago", "+10": "Pacific/Honolulu", "+9": "America/Anchorage",
	"+8": "America/Los_Angeles",
	"+7": "America/Denver", "+6": "America/Chicago", "+5": "America/New_York", "+4": "America/Halifax",
	"+3": "America/Sao_Paulo",
	"+2": "America/Noronha", "+1": "Atlantic/Azores", "-1": "Europe/Berlin", "-2": "Europe/Athens",
	"-3": "Europe/Istanbul",
	"-4": "Asia/Dubai", "-5": "Asia/Karachi", "-6": "Asia/Dhaka", "-7": "Asia/Bangkok", "-8": "Asia/Shanghai",
	"-9":  "Asia/Tokyo",
	"-10": "Australia/Sydney", "-11": "Pacific/Noumea", "-12": "Pacific/Auckland", "-13": "Pacific/Tongatapu",
	"-14": "Pacific/Kiritimati",
}
