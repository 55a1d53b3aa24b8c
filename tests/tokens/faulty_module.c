/* A PKCS#11 module that hands every call on to another one, writes down what was called, and fails when told to.

   REAL_MODULE    path of the module behind
   MODULE_CALLS   file; one line for each call that is looked at, with attribute types or the mechanism in hex
   MODULE_FAULTS  "NAME=CODE ..." in hex: function NAME answers CODE; token_flags=BITS adds flags to every token

   Spec: PKCS #11 2.40, 3.6 (CK_FUNCTION_LIST: the order of functions). */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long ulong_t;
typedef ulong_t (*any_t)(ulong_t, ulong_t, ulong_t, ulong_t, ulong_t, ulong_t);

struct list { unsigned char version[2]; any_t function[68]; };
struct attribute { ulong_t type; void *value; ulong_t length; };
struct mechanism { ulong_t type; ulong_t *parameter; ulong_t length; };
struct token_info { char texts[32 + 32 + 16 + 16]; ulong_t flags; };

enum { GET_TOKEN_INFO = 6, LOGIN = 18, LOGOUT = 19, GET_ATTRIBUTE_VALUE = 24, FIND_OBJECTS_INIT = 26, DECRYPT_INIT = 33,
       DECRYPT = 34, SIGN_INIT = 42, SIGN = 43 };

static struct list table, *real;

static ulong_t told(const char *name) {
    const char *faults = getenv("MODULE_FAULTS");
    const char *found = faults ? strstr(faults, name) : NULL;
    return found && found[strlen(name)] == '=' ? strtoul(found + strlen(name) + 1, NULL, 16) : 0;
}

static void note(const char *name, const ulong_t *numbers, ulong_t step, ulong_t count) {
    const char *path = getenv("MODULE_CALLS");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file) return;
    fputs(name, file);
    for (ulong_t i = 0; i < count; i++) fprintf(file, " %lx", numbers[i * step]);
    fputc('\n', file);
    fclose(file);
}

#define CALL(NUMBER, NAME, NUMBERS, STEP, COUNT) CALL_IF(1, NUMBER, NAME, NUMBERS, STEP, COUNT)
#define CALL_IF(LOOKED_AT, NUMBER, NAME, NUMBERS, STEP, COUNT) \
    static ulong_t call_##NUMBER(ulong_t a, ulong_t b, ulong_t c, ulong_t d, ulong_t e, ulong_t f) { \
        if (LOOKED_AT) note(NAME, NUMBERS, STEP, COUNT); \
        ulong_t fault = told(NAME); \
        return fault ? fault : real->function[NUMBER](a, b, c, d, e, f); \
    }

CALL(LOGIN, "C_Login", &b, 1, 1)
CALL(LOGOUT, "C_Logout", NULL, 0, 0)
CALL(GET_ATTRIBUTE_VALUE, "C_GetAttributeValue", &((struct attribute *)c)->type, 3, d)
CALL(FIND_OBJECTS_INIT, "C_FindObjectsInit", &((struct attribute *)b)->type, 3, c)
/* Without a buffer, it is only a question how long the answer is. */
CALL_IF(d, DECRYPT, "C_Decrypt", NULL, 0, 0)
CALL_IF(d, SIGN, "C_Sign", &c, 1, 1)

static ulong_t with_mechanism(const char *name, int number, ulong_t session, struct mechanism *how, ulong_t key) {
    ulong_t numbers[4] = {how->type}, count = 1;
    for (ulong_t i = 0; i < 3 && i < how->length / sizeof(ulong_t); i++) numbers[count++] = how->parameter[i];
    note(name, numbers, 1, count);
    ulong_t fault = told(name);
    return fault ? fault : real->function[number](session, (ulong_t)how, key, 0, 0, 0);
}

static ulong_t sign_init(ulong_t a, ulong_t b, ulong_t c, ulong_t d, ulong_t e, ulong_t f) {
    return with_mechanism("C_SignInit", SIGN_INIT, a, (struct mechanism *)b, c);
}

static ulong_t decrypt_init(ulong_t a, ulong_t b, ulong_t c, ulong_t d, ulong_t e, ulong_t f) {
    return with_mechanism("C_DecryptInit", DECRYPT_INIT, a, (struct mechanism *)b, c);
}

static ulong_t token_info(ulong_t a, ulong_t b, ulong_t c, ulong_t d, ulong_t e, ulong_t f) {
    ulong_t fault = told("C_GetTokenInfo");
    if (fault) return fault;
    ulong_t answer = real->function[GET_TOKEN_INFO](a, b, c, d, e, f);
    if (!answer) ((struct token_info *)b)->flags |= told("token_flags");
    return answer;
}

ulong_t C_GetFunctionList(struct list **out) {
    const char *path = getenv("REAL_MODULE");
    void *handle = path ? dlopen(path, RTLD_NOW) : NULL;
    ulong_t (*get)(struct list **) = handle ? (ulong_t(*)(struct list **))dlsym(handle, "C_GetFunctionList") : NULL;
    if (!get || get(&real)) return 5; /* CKR_GENERAL_ERROR */
    table = *real;
    table.function[LOGIN] = call_LOGIN;
    table.function[LOGOUT] = call_LOGOUT;
    table.function[GET_ATTRIBUTE_VALUE] = call_GET_ATTRIBUTE_VALUE;
    table.function[FIND_OBJECTS_INIT] = call_FIND_OBJECTS_INIT;
    table.function[DECRYPT] = call_DECRYPT;
    table.function[DECRYPT_INIT] = decrypt_init;
    table.function[SIGN] = call_SIGN;
    table.function[SIGN_INIT] = sign_init;
    table.function[GET_TOKEN_INFO] = token_info;
    *out = &table;
    return 0;
}
