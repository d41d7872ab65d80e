package org.crosswind.app.model

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class FormTest {
    private val form = Form(ModelCard.parse(CARD))
    private val texts = started(form) + ENTERED

    private fun started(form: Form): Map<String, String> = form.fields.associate { it.name to it.text }

    @Test
    fun `each feature has the widget that the card asks for, or that of its kind`() {
        val widgets = listOf(
            "depot" to Widget.CHOICE,
            "town" to Widget.CHOICE,
            "remark" to Widget.TEXT,
            "sender" to Widget.TEXT,
            "start" to Widget.TIME,
            "day" to Widget.WEEKDAY,
            "direction" to Widget.NUMBER,
            "express" to Widget.SWITCH,
            "heavy" to Widget.SWITCH,
            "broken_share" to Widget.PERCENT,
            "filled" to Widget.PERCENT,
            "way" to Widget.DISTANCE,
            "boxes" to Widget.NUMBER,
            "age" to Widget.NUMBER,
        )
        assertEquals(widgets, form.fields.map { it.name to it.widget })
        assertEquals("the made card has every form", Widget.entries.toSet(), form.fields.map { it.widget }.toSet())
        assertEquals("and every kind", Kind.entries.toSet(), form.fields.map { it.feature.kind }.toSet())
    }

    @Test
    fun `a field is labelled with the card's words, or its name`() {
        assertEquals(listOf("From", "To", "remark"), form.fields.take(3).map { it.label })
    }

    @Test
    fun `numbers and what may be missing are folded away`() {
        val shown = listOf("depot", "town", "start", "day", "express", "heavy")
        assertEquals(shown, form.fields.filterNot { it.more }.map { it.name })
    }

    @Test
    fun `nothing is folded away where there is nothing else`() {
        val numbers = Form(cardOf { it.getString("name") in listOf("boxes", "age", "direction") })
        assertEquals(listOf(false, false, false), numbers.fields.map { it.more })
    }

    @Test
    fun `the form starts with nothing but switches that are off and typical numbers where one is needed`() {
        val started = started(form).filterValues { it.isNotEmpty() }
        assertEquals(mapOf("express" to "0", "heavy" to "0", "filled" to "80.5", "boxes" to "8", "age" to "37.94"), started)
        assertEquals(listOf("filled", "boxes", "age"), form.fields.filter { it.isTypical }.map { it.name })
    }

    @Test
    fun `what the app fills in itself is not typical`() {
        val way = form.fields.single { it.name == "way" }
        assertEquals("" to false, way.text to way.isTypical)
    }

    @Test
    fun `what was not entered is missing, or refused where it must not be`() {
        val row = form.row(texts)
        val missing = listOf("remark", "sender", "direction", "broken_share")
        assertEquals(missing, form.fields.map { it.name }.filter { row[it] == null })
        for (name in listOf("depot", "town", "start", "day", "way")) refused(name, Reason.MISSING, "")
    }

    @Test
    fun `a percentage has the share's range times a hundred`() {
        val share = form.fields.single { it.name == "broken_share" }
        assertEquals(0.0 to 100.0, share.minimum to share.maximum)
    }

    @Test
    fun `texts become raw values of the features' types`() {
        val row = form.row(texts + mapOf("remark" to "glass", "express" to "1", "broken_share" to " 25 "))
        val expected = listOf("B", "X", "glass", null, 615.0, 4.0, null, 1L, 0.0, 0.25, 0.805, 6385.0, 8L, 37.94)
        assertEquals(expected, form.fields.map { row[it.name] })
    }

    @Test
    fun `a form without one of the kinds, and one of one kind only, gives a row`() {
        for (kind in Kind.entries) {
            val name = kind.name.lowercase()
            for (keep in listOf(true, false)) {
                val some = Form(cardOf { (it.getString("kind") == name) == keep && (keep || !it.has("between")) })
                val row = some.row(started(some) + ENTERED)
                assertEquals(some.fields.map { it.name }, row.keys.toList())
                assertEquals("$kind $keep", setOf(keep), some.fields.map { it.feature.kind == kind }.toSet())
                assertEquals("something to see", true, some.fields.any { !it.more })
            }
        }
    }

    @Test
    fun `one feature is a form`() {
        for (field in form.fields) {
            val one = Form(cardOf { it.getString("name") == field.name })
            assertEquals(listOf(field.name), one.row(texts.filterKeys { it == field.name }).keys.toList())
        }
    }

    @Test
    fun `a text that stands for no value is refused with the field and the reason`() {
        refused("depot", Reason.MISSING, "")
        refused("age", Reason.MISSING, "  ")
        refused("age", Reason.WRONG_TYPE, "old")
        refused("age", Reason.WRONG_TYPE, "NaN")
        refused("age", Reason.WRONG_TYPE, "1e999")
        refused("boxes", Reason.WRONG_TYPE, "1.5")
        refused("boxes", Reason.OUT_OF_RANGE, "21")
        refused("boxes", Reason.OUT_OF_RANGE, "0")
        refused("direction", Reason.OUT_OF_RANGE, "-1")
        refused("broken_share", Reason.OUT_OF_RANGE, "100.1")
        refused("way", Reason.OUT_OF_RANGE, "20001")
    }

    private fun refused(field: String, reason: Reason, text: String) {
        val error = assertThrows(BadInput::class.java) { form.row(texts + (field to text)) }
        assertEquals(field to reason, error.field to error.reason)
    }

    @Test
    fun `a number without a range takes any`() {
        assertEquals(-1e30, form.row(texts + ("age" to "-1e30"))["age"])
    }

    @Test
    fun `a number is shown without needless digits`() {
        val shown = listOf("0", "1000", "37.94", "0.1", "-2.5", "1007.3")
        assertEquals(shown, listOf(0.0, 1000.0, 37.939998626708984, 0.1, -2.5, 1007.2999877929688).map(::decimal))
    }
}
