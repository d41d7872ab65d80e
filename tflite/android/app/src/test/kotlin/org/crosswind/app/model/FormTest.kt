package org.crosswind.app.model

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class FormTest {
    private val form = Form(ModelCard.parse(CARD))
    private val texts = form.fields.associate { it.name to it.text } + ("line" to "B") + ("start" to "615") + ("day" to "4")

    @Test
    fun `each kind of feature has its widget`() {
        val widgets = listOf(
            "line" to Widget.CHOICE,
            "remark" to Widget.TEXT,
            "start" to Widget.TIME,
            "day" to Widget.WEEKDAY,
            "wind_dir" to Widget.NUMBER,
            "strike" to Widget.SWITCH,
            "late_share" to Widget.PERCENT,
            "cars" to Widget.NUMBER,
            "age" to Widget.NUMBER,
        )
        assertEquals(widgets, form.fields.map { it.name to it.widget })
    }

    @Test
    fun `numbers and what may be missing are folded away`() {
        assertEquals(listOf("line", "start", "day", "strike"), form.fields.filterNot { it.more }.map { it.name })
    }

    @Test
    fun `the form starts with nothing but switches that are off and typical numbers where one is needed`() {
        val started = form.fields.filter { it.text.isNotEmpty() }.associate { it.name to it.text }
        assertEquals(mapOf("strike" to "0", "cars" to "8", "age" to "37.94"), started)
        assertEquals(listOf("cars", "age"), form.fields.filter { it.isTypical }.map { it.name })
    }

    @Test
    fun `what the app fills in itself is not typical`() {
        val age = Form(ModelCard.parse(CARD), setOf("age")).fields.single { it.name == "age" }
        assertEquals("" to false, age.text to age.isTypical)
    }

    @Test
    fun `what was not entered is missing, or refused where it must not be`() {
        val row = form.row(texts)
        assertEquals(listOf("remark", "wind_dir", "late_share"), form.fields.map { it.name }.filter { row[it] == null })
        for (name in listOf("line", "start", "day")) refused(name, Reason.MISSING, "")
    }

    @Test
    fun `a percentage has the share's range times a hundred`() {
        val share = form.fields.single { it.name == "late_share" }
        assertEquals(0.0 to 100.0, share.minimum to share.maximum)
    }

    @Test
    fun `texts become raw values of the features' types`() {
        val row = form.row(texts + ("remark" to "snow") + ("strike" to "1") + ("late_share" to " 25 "))
        assertEquals(listOf("B", "snow", 615.0, 4.0, null, 1L, 0.25, 8L, 37.94), form.fields.map { row[it.name] })
    }

    @Test
    fun `a text that stands for no value is refused with the field and the reason`() {
        refused("line", Reason.MISSING, "")
        refused("age", Reason.MISSING, "  ")
        refused("age", Reason.WRONG_TYPE, "old")
        refused("age", Reason.WRONG_TYPE, "NaN")
        refused("age", Reason.WRONG_TYPE, "1e999")
        refused("cars", Reason.WRONG_TYPE, "1.5")
        refused("cars", Reason.OUT_OF_RANGE, "21")
        refused("cars", Reason.OUT_OF_RANGE, "0")
        refused("wind_dir", Reason.OUT_OF_RANGE, "-1")
        refused("late_share", Reason.OUT_OF_RANGE, "100.1")
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
