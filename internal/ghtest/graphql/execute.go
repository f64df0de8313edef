package graphql

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// execution runs one query.
type execution struct {
	server    *Server
	variables map[string]any
	private   bool // the token sees private repositories
	fault     Fault
	query     Query
	errors    []any
}

// resolver returns the value of a field: a scalar, an object, a list of objects or nil.
type resolver = func(args map[string]any) any

// object takes what the selection asks for from the values of an object.
func (x *execution) object(fields []field, values map[string]any) map[string]any {
	out := map[string]any{}
	for _, f := range fields {
		value, ok := values[f.name]
		if !ok {
			continue // of a fragment for another type
		}
		if resolve, ok := value.(resolver); ok {
			value = resolve(x.bind(f.args))
		}
		out[f.name] = x.value(f.sub, value)
	}
	return out
}

func (x *execution) value(fields []field, value any) any {
	switch v := value.(type) {
	case map[string]any:
		if v == nil {
			return nil
		}
		return x.object(fields, v)
	case []map[string]any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = x.value(fields, item)
		}
		return list
	default:
		return value
	}
}

// bind replaces variables by their values.
func (x *execution) bind(args map[string]any) map[string]any {
	bound := map[string]any{}
	for name, value := range args {
		if v, ok := value.(variable); ok {
			value = x.variables[string(v)]
		}
		bound[name] = value
	}
	return bound
}

// describe reads the owner and the page that a query asks for.
func (x *execution) describe(fields []field) (q Query) {
	for _, f := range fields {
		if f.name != "repositoryOwner" {
			continue
		}
		q.Owner, _ = x.bind(f.args)["login"].(string)
		for _, f := range f.sub {
			args := x.bind(f.args)
			first, _ := args["first"].(float64)
			q.First = int(first)
			q.After, _ = args["after"].(string)
		}
	}
	x.query = q
	return q
}

func (x *execution) rateLimit(map[string]any) any {
	s := x.server
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{"cost": cost(x.query), "limit": s.options.Points, "used": s.used,
		"remaining": s.options.Points - s.used, "resetAt": s.hour.Add(time.Hour).UTC().Format(time.RFC3339)}
}

func (x *execution) owner(args map[string]any) any {
	login, _ := args["login"].(string)
	known := slices.ContainsFunc(x.server.repositories, func(r Repository) bool {
		return strings.HasPrefix(strings.ToLower(r.FullName), strings.ToLower(login)+"/")
	})
	if !known {
		return nil
	}
	return map[string]any{"login": login, "repositories": func(args map[string]any) any {
		return x.connection(login, args)
	}}
}

// connection is a page of the repositories of an owner.
func (x *execution) connection(login string, args map[string]any) any {
	listed := x.visible(login, args)
	start := 0
	if after, _ := args["after"].(string); after != "" {
		data, _ := base64.StdEncoding.DecodeString(after)
		name := strings.TrimPrefix(string(data), "cursor:")
		start, _ = slices.BinarySearchFunc(listed, name, func(r Repository, name string) int {
			return cmp.Compare(strings.ToLower(r.FullName), name)
		})
		if start < len(listed) && strings.ToLower(listed[start].FullName) == name {
			start++
		}
	}
	end := min(start+x.query.First, len(listed))
	var edges, nodes []map[string]any
	cursor := ""
	for i, r := range listed[start:end] {
		cursor = base64.StdEncoding.EncodeToString([]byte("cursor:" + strings.ToLower(r.FullName)))
		node := x.repository(i, r)
		edges, nodes = append(edges, map[string]any{"cursor": cursor, "node": node}), append(nodes, node)
	}
	return map[string]any{"totalCount": len(listed), "edges": edges, "nodes": nodes,
		"pageInfo": map[string]any{"hasNextPage": end < len(listed), "endCursor": cursor}}
}

// visible are the repositories of an owner that the token may see and the filters pass.
func (x *execution) visible(login string, args map[string]any) (listed []Repository) {
	passes := func(arg string, value bool) bool {
		want, given := args[arg].(bool)
		return !given || want == value
	}
	want, _ := args["visibility"].(string)
	for _, r := range x.server.repositories {
		visibility := strings.ToUpper(cmp.Or(r.Visibility, "private"))
		if strings.HasPrefix(strings.ToLower(r.FullName), strings.ToLower(login)+"/") && passes("isFork", r.Fork) &&
			passes("isArchived", r.Archived) && (want == "" || want == visibility) &&
			(x.private || visibility == "PUBLIC") {
			listed = append(listed, r)
		}
	}
	return listed
}

// repository is the i-th of a page, nil if a fault hides it.
func (x *execution) repository(i int, r Repository) map[string]any {
	path := []any{"repositoryOwner", "repositories", "edges", i, "node"}
	if x.fault.Limited && i >= x.fault.Keep {
		x.errors = append(x.errors, limitExceeded(path...))
		return nil
	}
	topics := []map[string]any{}
	for _, name := range r.Topics {
		topics = append(topics, map[string]any{"topic": map[string]any{"name": name}})
	}
	return map[string]any{
		"databaseId": r.ID, "nameWithOwner": r.FullName, "isArchived": r.Archived, "isFork": r.Fork,
		"visibility": strings.ToUpper(cmp.Or(r.Visibility, "private")),
		"defaultBranchRef": map[string]any{"name": cmp.Or(r.DefaultBranch, "main"),
			"target": map[string]any{"oid": BlobID("commit " + strconv.FormatInt(r.ID, 10))}},
		"repositoryTopics": map[string]any{"nodes": topics},
		"object": func(args map[string]any) any {
			if slices.Contains(x.fault.Broken, r.FullName) {
				x.errors = append(x.errors, fault("INTERNAL", "Something went wrong.", append(path, "object")...))
				return nil
			}
			return blob(r, args)
		},
	}
}

// blob is the file that an expression like HEAD:path names.
func blob(r Repository, args map[string]any) any {
	expression, _ := args["expression"].(string)
	_, path, _ := strings.Cut(expression, ":")
	text, ok := r.Files[path]
	if !ok {
		return nil
	}
	b := map[string]any{"__typename": "Blob", "oid": BlobID(text), "byteSize": len(text), "isBinary": isBinary(text),
		"isTruncated": r.Truncated, "text": validText(text)}
	switch {
	case isBinary(text):
		b["text"] = nil
	case r.Truncated:
		b["text"] = validText(text[:len(text)/2])
	}
	return b
}
