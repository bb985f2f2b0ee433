-- What firings and runs change of a schedule is kept beside its record, as
-- "version;active;next;last;total;missed;skipped;held;succeeded;failures;ended;owner;id". ``held`` is '' as long as nobody
-- has looked which runs an older version has left (see parts/sent.lua); that one wrote no more than
-- "version;active;next;last;total;missed;owner;id". A script reads each state once, and writes it at its end, once.
local STATE = '^(%d+);(%d);(%-?%d*);(%-?%d*);(%d+);(%d+);(%d+);(%d?);(%-?%d*);(%d+);(%-?%d*);(%a*);(.*)$'
local OLD_STATE = '^(%d+);(%d);(%-?%d*);(%-?%d*);(%d+);(%d+);(%a*);(.*)$'
local states, changed, is_released = {}, {}, false

-- The instant at which it is due, '' if it is not to come due.
local function due_of(s)
  return s.active == '1' and s.held ~= '1' and s.next or ''
end

-- What cannot be read is as good as not there (nil): it must not stop a run that ends.
local function to_state(text)
  local version, active, next, last, total, missed, skipped, held, succeeded, failures, ended, owner, id =
    string.match(text, STATE)
  if not version then
    version, active, next, last, total, missed, owner, id = string.match(text, OLD_STATE)
    skipped, held, succeeded, failures, ended = 0, '', '', 0, ''
  end
  if not version then return nil end
  local s = {version = version, active = active, next = next, last = last, total = total, missed = missed,
    skipped = skipped, held = held, succeeded = succeeded, failures = failures, ended = ended, owner = owner, id = id,
    was_due = ''}
  s.was_due = due_of(s)
  return s
end

local function to_text(s)
  return table.concat({s.version, s.active, s.next, s.last, s.total, s.missed, s.skipped, s.held, s.succeeded, s.failures,
    s.ended, s.owner, s.id}, ';')
end

local function learn_states(names)
  local unknown = {}
  for _, name in ipairs(names) do
    if states[name] == nil then
      unknown[#unknown + 1], states[name] = name, false
    end
  end
  for i, text in ipairs(fetched(K .. 'schx', unknown)) do states[unknown[i]] = text and to_state(text) or false end
end

-- The state of a schedule, nil if it is not there. Whoever changes it sets ``changed[name]``.
local function state_of(name)
  if states[name] == nil then learn_states({name}) end
  return states[name] or nil
end

-- The later one of two instants, either of which may be ''.
local function later(one, other)
  if one == '' or (other ~= '' and tonumber(other) > tonumber(one)) then return other end
  return one
end

-- Tell a schedule that a run of its has ended, and how: "succeeded", "failed", or "ended" for neither.
local function tell(name, nominal, how, now)
  local s = state_of(name)
  if not s then return end
  changed[name] = true
  if how == 'succeeded' then
    s.failures, s.succeeded = 0, later(s.succeeded, nominal)
  elseif how == 'failed' then
    s.failures = s.failures + 1
  end
  s.ended = later(s.ended, now)
  if s.held == '1' then
    s.held, is_released = '0', true
  end
end

local function write_states()
  local texts, due, idle = {}, {}, {}
  for name in pairs(changed) do
    local s = states[name]
    local due_now = due_of(s)
    texts[#texts + 1], texts[#texts + 2] = name, to_text(s)
    if due_now == s.was_due then
      -- it stands where it should
    elseif due_now == '' then
      idle[#idle + 1] = name
    else
      due[#due + 1], due[#due + 2] = due_now, name
    end
  end
  chunked('HSET', K .. 'schx', texts)
  chunked('ZADD', K .. 'due', due)
  chunked('ZREM', K .. 'due', idle)
  if is_released then redis.call('PUBLISH', K .. 't:schedules', '1') end
end
