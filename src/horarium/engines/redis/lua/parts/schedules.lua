-- What firings change of a schedule is kept beside its record, as "version;active;next;last;total;missed;owner;id".
local function unpacked_state(text)
  local s = {}
  s.version, s.active, s.next, s.last, s.total, s.missed, s.owner, s.id =
    string.match(text, '^(%d+);(%d);(%-?%d*);(%-?%d*);(%d+);(%d+);(%a*);(.*)$')
  return s
end

local function packed_state(s)
  return table.concat({s.version, s.active, s.next, s.last, s.total, s.missed, s.owner, s.id}, ';')
end

local function is_to_come(s)
  return s.active == '1' and s.next ~= ''
end

local function read_state(name)
  local text = redis.call('HGET', K .. 'schx', name)
  return text and unpacked_state(text) or nil
end

local function write_state(name, s)
  redis.call('HSET', K .. 'schx', name, packed_state(s))
  if is_to_come(s) then
    redis.call('ZADD', K .. 'due', s.next, name)
  else
    redis.call('ZREM', K .. 'due', name)
  end
end
