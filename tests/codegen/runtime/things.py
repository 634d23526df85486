"""A contract of two paths with several methods, and some that differ in a slash."""

from codegen.runtime.operation import Parameter

from .small_service import operation

ID = Parameter("id", "id", "path", True, "/components/parameters/Id", "simple", False)
MORE = {"parameters": {"Id": {"schema": {"type": "string", "maxLength": 9}}}}
OPERATIONS = [
    operation("list_things", path="/things"),
    operation("add_thing", "POST", "/things"),
    operation("get_thing", path="/things/{id}", parameters=(ID,)),
    operation("drop_thing", "DELETE", "/things/{id}", parameters=(ID,)),
    operation("list_closed", path="/closed/"),
    operation("send", "POST", "/send"),
]
